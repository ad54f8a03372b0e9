import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// Texts as inputs of a model outside of training: what predictions start from.
public final class TextInputs {
    private enum Role {
        case ids(Int)
        case lengths(Int)
    }

    private let layouts: [TextLayout]
    private let tokenizers: [TextTokenizer]
    private let roles: [Role]
    /// The dimension of tokens of the first input.
    private let time: GraphDefinition.Size?
    /// By layout, then by text.
    private var ids: [[[Int32]]]
    private let runtime: Runtime
    public private(set) var count = 0
    /// Names of the texts that were too long.
    private var cut: [String] = []

    /// - Parameters:
    ///   - entries: those of the recipe; the target's is passed over.
    ///   - tokenizer: gives that of an entry by the name of its owner.
    ///
    /// Errors: `.recipe` when inputs come from several fields, or from none.
    public init(
        _ entries: [Recipe.TextEntry], inputs: [GraphDefinition.Input], runtime: Runtime = .shared,
        tokenizer: (String) throws(TrainingError) -> TextTokenizer
    ) throws(TrainingError) {
        self.runtime = runtime
        var (layouts, tokenizers): ([TextLayout], [TextTokenizer]) = ([], [])
        var known: [String] = []
        for (entry, group) in zip(entries, entries.groups) where inputs.contains(where: { $0.name == entry.name }) {
            guard let owner = entries.owner(of: entry) else { continue }
            tokenizers.append(try tokenizer(owner))
            layouts.append(
                try TextLayout(
                    entry, tokenizers.last!, input: inputs.first { $0.name == entry.name }, group: group))
            known.append(entry.name)
        }
        let fields = Set(layouts.map(\.group))
        guard fields.count == 1 else {
            let names = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
            throw TrainingError(
                .recipe,
                layouts.isEmpty
                    ? "the model reads no text (its inputs: \(names))"
                    : "the model reads \(fields.count) different texts (its inputs: \(names)); predicting takes one: see "
                        + "`lamina task` for what else it does")
        }
        var roles: [Role] = []
        for input in inputs {
            if let index = known.firstIndex(of: input.name) {
                roles.append(.ids(index))
            } else if let index = layouts.firstIndex(where: { $0.entry.lengthName == input.name }) {
                roles.append(.lengths(index))
            } else {
                throw TrainingError(
                    .recipe, "input '\(input.name)' is no text: use `lamina run` with tensors for each input")
            }
        }
        (self.layouts, self.tokenizers, self.roles) = (layouts, tokenizers, roles)
        ids = layouts.map { _ in [] }
        time = inputs.first { $0.name == known[0] }?.shape.last
    }

    /// Adds a text. `name` says where it is from; errors: `.data` for texts without a token and those that are too long,
    /// unless they are cut.
    public func add(_ text: UnsafeBufferPointer<UInt8>, name: String) throws(TrainingError) {
        var (rows, isCut): ([[Int32]], Bool) = ([], false)
        for (layout, tokenizer) in zip(layouts, tokenizers) {
            var row: [Int32] = []
            try tokenizer.encode(text, into: &row)
            guard !row.isEmpty else {
                throw TrainingError(
                    .data, "\(name): \(text.isEmpty ? "the text is empty" : "the tokenizer finds no token in the text")"
                )
            }
            if try layout.cuts(row.count, name) { isCut = true }
            rows.append(row)
        }
        for (index, row) in rows.enumerated() { ids[index].append(row) }
        if isCut { cut.append(name) }
        count += 1
    }

    /// Says once which texts were cut.
    public func warnOfCuts() {
        guard let first = cut.first, let maximum = layouts.first(where: { $0.maximum < .max })?.maximum else { return }
        let others = cut.count == 1 ? "" : " and \(cut.count - 1) other\(cut.count == 2 ? "" : "s")"
        runtime.logHandler(2, "\(first)\(others): more than \(maximum) tokens, cut as in training")
        cut = []
    }

    /// The number of tokens of a text in the first input.
    public func length(_ text: Int) -> Int { layouts[0].length(ids[0][text].count) }

    /// Whether an output of these dimensions has a row for each token of the first input.
    ///
    /// Only a graph tells: that an output has as many classes as its batch has tokens means nothing.
    public func isPerToken(_ output: [GraphDefinition.Size]) -> Bool {
        guard output.count > 1 else { return false }
        // Where all rows have one length, a number is all that the graph says.
        if let fixed = layouts[0].fixed { return output.count > 2 && output[1] == .fixed(fixed) }
        return output[1] == time
    }

    private func rowLength(_ index: Int, _ texts: Range<Int>) -> Int {
        let lengths = layouts.indices.filter { layouts[$0].group == layouts[index].group }.map { other in
            texts.map { layouts[other].length(ids[other][$0].count) }.max() ?? 0
        }
        return layouts[index].rowLength(lengths.max() ?? 0)
    }

    /// Shapes of the model's inputs for these texts.
    public func shapes(_ texts: Range<Int>) -> [[Int]] {
        roles.map { role in
            if case .ids(let index) = role { [texts.count, rowLength(index, texts)] } else { [texts.count] }
        }
    }

    /// Writes the model's inputs for these texts.
    public func fill(_ texts: Range<Int>, _ tensors: [PlannedTensor]) {
        for (role, tensor) in zip(roles, tensors) {
            let values = tensor.data.assumingMemoryBound(to: Int64.self)
            for (row, text) in texts.enumerated() {
                switch role {
                case .ids(let index):
                    let size = tensor.shape[1]
                    ids[index][text].withUnsafeBufferPointer { layouts[index].fill(values + row * size, size, $0) }
                case .lengths(let index): values[row] = Int64(layouts[index].length(ids[index][text].count))
                }
            }
        }
    }
}

extension DataSource {
    /// All texts of a field, one after the other.
    public func forEachText(
        _ field: String, _ body: (Int, UnsafeBufferPointer<UInt8>) throws(TrainingError) -> Void
    ) throws(TrainingError) {
        for index in 0..<count {
            try readTexts(field, [Int64(index)]) { (text) throws(TrainingError) in try body(index, text) }
        }
    }
}
