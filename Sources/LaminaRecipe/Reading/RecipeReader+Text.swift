import LaminaFormats
import LaminaGraph
import LaminaSchema

extension RecipeReader {
    /// The longest texts and windows.
    private static let tokenLimit = 1 << 31

    /// `data.text`: entries by the name of the input that they fill. Read before the model, whose inputs follow from them.
    ///
    /// - Parameter hasBase: the tokenizers of entries that name none may be the base's.
    func texts(in data: YAMLNode, hasBase: Bool) throws(RecipeError) -> [Recipe.TextEntry] {
        // What `data` is otherwise is read, and complained about, later.
        guard let node = data.entries?.first(where: { $0.key == "text" })?.value, !node.isNull else { return [] }
        guard let nodes = node.entries, !nodes.isEmpty else {
            throw error(
                "'data.text' is a mapping from inputs of the model to how texts fill them, got \(node.summary)", node)
        }
        var entries: [Recipe.TextEntry] = []
        for node in nodes { entries.append(try text(entry: node)) }
        for (index, entry) in entries.enumerated() { try check(entry, in: entries, nodes[index], hasBase: hasBase) }
        return entries
    }

    private func text(entry node: YAMLNode.Entry) throws(RecipeError) -> Recipe.TextEntry {
        let subject = "'data.text.\(shortened(node.key))'"
        if node.key != GraphDefinition.targetName { try check(newName: node.key, "an input", node.place) }
        try check(dimension: node.key, node.place)
        var entry = Recipe.TextEntry(node.key, place: node.place)
        guard !node.value.isNull else { return entry }
        var fields = try RecipeFields(
            node.value, subject, wanted: "a mapping with 'tokenizer', 'from', …", file: file)
        if let from = fields.take("from") { entry.field = try text(from, "'from'") }
        if let tokenizer = fields.take("tokenizer") {
            entry.tokenizer = try component(tokenizer, "'tokenizer'", kind: "tokenizer")
        }
        if let other = fields.take("same_as") { entry.sameAs = try text(other, "'same_as'") }
        if let begin = fields.take("begin") { entry.begin = try bool(begin, "'begin'") }
        if let end = fields.take("end") { entry.end = try bool(end, "'end'") }
        if let maximum = fields.take("maximum") {
            entry.maximum = try integer(maximum, "'maximum'", least: entry.added + 1, most: Self.tokenLimit)
        }
        if let tooLong = fields.take("too_long") {
            let choice = try text(tooLong, "'too_long'")
            guard let known = Recipe.TextEntry.TooLong(rawValue: choice) else {
                let names = Recipe.TextEntry.TooLong.allCases.map(\.rawValue)
                throw error(
                    "'too_long': wanted one of \(names.joined(separator: ", ")), got '\(shortened(choice))'"
                        + Suggestion.question(for: choice, among: names), tooLong)
            }
            guard entry.maximum != nil else { throw error("'too_long' goes with 'maximum'", tooLong) }
            entry.tooLong = known
        }
        if let length = fields.take("length") {
            let name = try text(length, "'length'")
            try check(newName: name, "an input", length.place)
            entry.lengthName = name
        }
        if let round = fields.take("round") { entry.round = try integer(round, "'round'", least: 1, most: 1 << 20) }
        if let stream = fields.take("stream") {
            entry.stream = try integer(stream, "'stream'", least: 1, most: Self.tokenLimit)
        }
        try fields.finish()
        return entry
    }

    /// A name becomes part of that of a dimension, "T_name", which manifests limit.
    private func check(dimension name: String, _ place: Place) throws(RecipeError) {
        guard name.utf8.count <= 30, !name.contains(".") else {
            throw error(
                "'\(shortened(name))' cannot be the name of a text's input: wanted at most 30 letters, digits and '_'",
                place)
        }
    }

    private func check(
        _ entry: Recipe.TextEntry, in entries: [Recipe.TextEntry], _ node: YAMLNode.Entry, hasBase: Bool
    ) throws(RecipeError) {
        let others = entries.map(\.name).filter { $0 != entry.name }
        if let other = entry.sameAs {
            guard entry.tokenizer == nil else {
                throw error("'\(entry.name)' has a 'tokenizer' and 'same_as': keep one", node.place)
            }
            guard others.contains(other) else {
                throw error(
                    "'same_as': 'data.text' has no other entry '\(shortened(other))'"
                        + Suggestion.question(for: other, among: others), node.place)
            }
        }
        guard hasBase || entries.owner(of: entry) != nil else {
            let example = registry.components(kind: "tokenizer").first?.id ?? "<plugin>.<name>"
            let reuse = entries.first { $0.tokenizer != nil && $0.name != entry.name }
            throw error(
                "'data.text.\(entry.name)' has no tokenizer: write 'tokenizer: \(example)'"
                    + (reuse.map { ", or 'same_as: \($0.name)'" } ?? ""), node.place)
        }
        if let name = entry.lengthName {
            let taken = others + [entry.name] + entries.filter { $0.name != entry.name }.compactMap(\.lengthName)
            guard !taken.contains(name) else {
                throw error("'length': two inputs would be named '\(shortened(name))'", node.place)
            }
        }
        guard entry.stream != nil else { return }
        guard entries.count == 1, entry.name != GraphDefinition.targetName else {
            throw error(
                "'stream' gives an input and, of the tokens that follow, the target: it is for a sole entry, an input",
                node.place)
        }
        for (key, isSet) in [
            ("maximum", entry.maximum != nil), ("length", entry.lengthName != nil), ("begin", entry.begin),
        ] where isSet {
            throw error("'\(key)' has no meaning beside 'stream'; leave it out", node.place)
        }
    }
}
