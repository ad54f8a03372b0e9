import LaminaFormats
import LaminaGraph
import LaminaRecipe
import LaminaSchema

/// Models that begin with the values of another framework's.
extension Model {
    /// What a model has from a file of weights.
    public struct ImportedWeights: Sendable {
        /// The file.
        public var path: String
        /// Names of the parameters and buffers that have its values.
        public var taken: [String]
        /// Of those that begin as the recipe says.
        public var new: [String]
        /// Tensors of the file that nothing needs.
        public var ignored: [String]
    }

    /// Gives parameters and buffers the values of a safetensors file of any origin, or of the parts that an index names.
    ///
    /// Every tensor of the file has to be used, or be one that is ignored. F16, BF16 and F64 become F32; dimensions of size 1
    /// come and go. Unless everything fits, nothing changes; but that values are finite is only seen when they are there.
    /// - Parameters:
    ///   - names: which tensors hold the values of which parameters; nil: the names are the same.
    ///   - new: patterns of parameters that stay as they are.
    ///   - ignored: patterns of tensors that need not be used, beside those of the map.
    /// - Throws: `.data` for a file that is refused or does not fit, `.recipe` for a rule that is missing or ambiguous.
    @discardableResult
    public func takeWeights(
        from path: String, names: NameMap? = nil, new: [String] = [], ignored: [String] = []
    ) throws(LaminaError) -> ImportedWeights {
        try sorted {
            let store = network.parameters
            try store.checkWritable()
            let entries = store.entries
            for pattern in new where !entries.contains(where: { Wildcard.matches(pattern, $0.name) }) {
                let all = entries.map(\.name)
                let near = Suggestion.question(for: pattern, among: all)
                throw LaminaError(
                    .usage,
                    "--new '\(pattern)': no parameter has such a name"
                        + (near.isEmpty ? "; there are \(WeightImport.list(all))" : near))
            }
            var map = names ?? .identity
            map.ignored += ignored
            var reading = WeightImport(try WeightFile(path), map)
            var result = ImportedWeights(path: path, taken: [], new: [], ignored: [])
            var found: [(WeightImport.Values, WeightImport.Entry)] = []
            for entry in entries {
                let rule = try reading.map.source(of: entry.name)
                if new.contains(where: { Wildcard.matches($0, entry.name) }) {
                    // What a parameter of this name would have taken is not left over.
                    if let rule { reading.pass(rule.source) }
                    result.new.append(entry.name)
                } else if let rule {
                    found.append((try reading.find(rule.source, for: entry, rule.place), entry))
                    result.taken.append(entry.name)
                } else {
                    throw reading.map.missingRule(for: entry.name, entry.shape)
                }
            }
            let rest = try reading.leftOver()
            result.ignored = rest.ignored
            guard rest.unexpected.isEmpty else {
                throw LaminaError(
                    .data,
                    "\(path): no parameter takes \(WeightImport.list(rest.unexpected)): is the recipe's network smaller? "
                        + "What is not needed, name with --ignore"
                        + (names?.file.map { ", or in \($0) under 'ignored'" } ?? ""))
            }
            for (values, entry) in found { reading.copy(values, to: entry) }
            network.parametersChanged()
            if let fault = store.firstNonFinite {
                throw LaminaError(
                    .data, "\(path): the parameter '\(fault.name)' would have the value \(fault.value), wanted numbers")
            }
            return result
        }
    }
}

extension Model.ImportedWeights {
    /// In a line, for people.
    public var summary: String {
        var parts = ["\(taken.count) of \(taken.count + new.count) tensors have the values of \(path)"]
        if !new.isEmpty { parts.append("new: \(WeightImport.list(new))") }
        if !ignored.isEmpty { parts.append("not needed of the file: \(WeightImport.list(ignored))") }
        return parts.joined(separator: "; ")
    }
}
