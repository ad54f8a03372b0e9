import Glibc
import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaSchema

/// Models that begin with the values of another, and are saved as what differs from it.
extension Model {
    /// What a model has from the base that it begins with.
    public struct Beginning: Sendable {
        /// The base's archive.
        public var path: String
        /// Names of the tensors that begin with the base's values.
        public var taken: Set<String>
        /// Of those that do not: the base has none of that name, or it was replaced.
        public var new: [String]
        /// The base's has another shape: the name, the shape there, the shape here.
        public var reshaped: [(name: String, there: [Int], here: [Int])]
    }

    /// A recipe's model with initial values: the base's where the recipe names one and they fit, or random ones.
    static func network(
        _ recipe: Recipe, on base: Model?, _ registry: Registry
    ) throws -> (network: Network, beginning: Beginning?) {
        let adaptation = recipe.model.adaptation
        let values = base.map { $0.values(without: Set(adaptation.replacements.map(\.node))) } ?? []
        let shapes = Dictionary(uniqueKeysWithValues: values.map { ($0.name, $0.shape) })
        let graph = try Graph(try recipe.graph(registry, base: base?.graph.definition), registry: registry) {
            name, shape in
            if let patterns = adaptation.frozen { return patterns.contains { $0.matches(name) } }
            return !adaptation.insertions.isEmpty && shapes[name] == shape
        }
        try check(adaptation.frozen ?? [], graph, recipe)
        let parameters = try ParameterStore(graph)
        try parameters.initialize(seed: recipe.training.seed)
        guard let base else { return (Network(graph, parameters), nil) }
        let begun = Beginning(
            base.archive?.path ?? base.name, taken: try parameters.take(values), of: parameters, shapes)
        guard !begun.taken.isEmpty else {
            let have = values.prefix(4).map { "'\($0.name)' \($0.shape)" }.joined(separator: ", ")
            let want = parameters.entries.prefix(4).map { "'\($0.name)' \($0.shape)" }.joined(separator: ", ")
            throw LaminaError(
                .recipe,
                "\(begun.path): nothing of it fits the recipe's network: it has \(have.isEmpty ? "nothing" : have), "
                    + "wanted \(want.isEmpty ? "nothing" : want); names and shapes have to be equal")
        }
        return (Network(graph, parameters), begun)
    }

    /// Throws for a pattern of frozen parameters that fits none.
    private static func check(_ patterns: [Recipe.Pattern], _ graph: Graph, _ recipe: Recipe) throws {
        let names = graph.parameters.map(\.name)
        for pattern in patterns where !names.contains(where: { pattern.matches($0) }) {
            let near = Suggestion.question(for: pattern.text, among: names)
            let some = names.prefix(4).map { "'\($0)'" }.joined(separator: ", ")
            throw RecipeError(
                file: recipe.file.path, line: pattern.place.line, column: pattern.place.column,
                "'frozen': no parameter of the network is named '\(pattern.text)'"
                    + (near.isEmpty ? "; it has \(some.isEmpty ? "none" : some)\(names.count > 4 ? ", …" : "")" : near))
        }
    }

    /// All parameters and buffers but those of some nodes.
    private func values(
        without nodes: Set<String>
    ) -> [(name: String, dtype: DataType, shape: [Int], data: UnsafeRawPointer)] {
        let known = Set(graph.definition.nodes.map(\.name))
        return network.parameters.entries.compactMap { entry in
            if !nodes.isEmpty {
                // "<node>.<parameter>"; both may have dots.
                var owner = entry.name[...]
                while let dot = owner.lastIndex(of: "."), !known.contains(String(owner)) { owner = owner[..<dot] }
                if nodes.contains(String(owner)) { return nil }
            }
            return (entry.name, entry.dtype, entry.shape, UnsafeRawPointer(entry.data))
        }
    }

    // MARK: Deltas

    /// Where a base is, seen from the folder of a delta at `path`: what the delta's manifest says.
    static func relative(_ base: String, from path: String) -> String {
        func absolute(_ path: String) -> [Substring]? {
            guard let real = realpath(path, nil) else { return nil }
            defer { free(real) }
            return String(cString: real).split(separator: "/")
        }
        // A link is followed when the delta is written.
        let file = absolute(path)?.dropLast()
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard let here = file.map(Array.init) ?? absolute(folder), let there = absolute(base) else {
            return base.split(separator: "/").last.map(String.init) ?? base
        }
        let common = zip(here, there).prefix { $0 == $1 }.count
        return (here.dropFirst(common).map { _ in ".." } + there.dropFirst(common)).joined(separator: "/")
    }

    /// Throws if the model at `path` would be written over an archive that it begins with or is a difference from, however
    /// far down, and unless a delta can say where its base is: to be asked before hours of training.
    public func checkBase(for path: String) throws(LaminaError) {
        for archive in (origin ?? chain?.base)?.archives ?? [] {
            var (a, b) = (stat(), stat())
            if stat(archive.path, &a) == 0, stat(path, &b) == 0, a.st_ino == b.st_ino, a.st_dev == b.st_dev {
                throw LaminaError(
                    .usage,
                    "\(path) would be written over \(archive.path), on which it is based: choose another name with -o")
            }
        }
        guard let base else { return }
        let file = Self.relative(base.archive.path, from: path)
        if let fault = PlainText.fault(in: file) {
            throw LaminaError(
                .usage, "the path from \(path) to its base has the control character \(fault): rename file or folder")
        }
    }

    /// Which of its tensors the base does not hold with the same values.
    func difference(_ weights: [Safetensors.Source], from base: ArchiveChain) throws -> [Safetensors.Source] {
        let values = try StoredValues(base).all
        let known = Dictionary(values.map { ($0.name, $0) }) { first, _ in first }
        return weights.filter { tensor in
            guard let there = known[tensor.name], there.dtype.safetensors == tensor.dtype, there.shape == tensor.shape
            else { return true }
            let bytes = tensor.bytes
            return bytes.count > 0 && memcmp(there.data, bytes.baseAddress!, bytes.count) != 0
        }
    }
}

extension Model.Beginning {
    fileprivate init(
        _ path: String, taken: Set<String>, of parameters: ParameterStore, _ shapes: [String: [Int]]
    ) {
        self.path = path
        self.taken = taken
        (new, reshaped) = ([], [])
        for entry in parameters.entries where !taken.contains(entry.name) {
            if let there = shapes[entry.name], there != entry.shape {
                reshaped.append((entry.name, there, entry.shape))
            } else {
                new.append(entry.name)
            }
        }
    }

    /// In a line, for people.
    public var summary: String {
        func list(_ names: [String]) -> String {
            names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
        }
        let all = taken.count + new.count + reshaped.count
        var parts = ["\(taken.count) of \(all) tensors begin with the values of \(path)"]
        if !new.isEmpty { parts.append("new: \(list(new))") }
        if !reshaped.isEmpty {
            parts.append("of another shape: \(list(reshaped.map { "\($0.name) \($0.here), there \($0.there)" }))")
        }
        return parts.joined(separator: "; ")
    }
}

extension Model {
    /// A recipe with what it leaves to this model, its base: the name, how texts become numbers, how samples are prepared.
    func completed(_ recipe: Recipe) throws(LaminaError) -> Recipe {
        var whole = recipe
        if recipe.name == nil { whole.name = name }
        guard var data = recipe.data else { return whole }
        let texts = preprocessing.texts
        if data.texts.isEmpty { data.texts = texts }
        for index in data.texts.indices {
            let entry = data.texts[index]
            guard data.texts.owner(of: entry) == nil else { continue }
            let owner = texts.first { $0.name == entry.name }.flatMap(texts.owner)
            guard let tokenizer = texts.first(where: { $0.name == owner })?.tokenizer else {
                throw LaminaError(
                    RecipeError(
                        file: recipe.file.path, line: entry.place.line, column: entry.place.column,
                        "'data.text.\(entry.name)' has no tokenizer, and neither has that of the base: write 'tokenizer:'"
                    ))
            }
            data.texts[index].tokenizer = tokenizer
        }
        if data.transforms.isEmpty { data.transforms = preprocessing.steps.map { .init($0) } }
        whole.data = data
        return whole
    }
}
