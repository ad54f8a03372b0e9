import LaminaFormats

extension NameMap {
    /// Reads and checks the name map in a file. Throws `RecipeError` for the first fault.
    public static func load(_ path: String) throws(RecipeError) -> NameMap {
        try NameMapReader(file: path).map(YAMLParser.parse(YAMLParser.bytes(of: path, "the name map"), file: path))
    }

    /// Reads and checks a name map from text; `file` names it in messages.
    public static func parse(_ text: String, file: String = "names") throws(RecipeError) -> NameMap {
        try NameMapReader(file: file).map(YAMLParser.parse(Array(text.utf8), file: file))
    }
}

/// Turns a YAML tree into a name map.
private struct NameMapReader {
    let file: String

    func map(_ root: YAMLNode?) throws(RecipeError) -> NameMap {
        guard let root, !root.isNull else {
            throw RecipeError(file: file, "the name map is empty: write 'names:' with a rule per parameter")
        }
        var fields = try RecipeFields(root, "the name map", wanted: "a mapping with 'names'", file: file)
        var map = NameMap(file: file)
        if let node = fields.take("prefixes") { map.prefixes = try texts(node, "'prefixes'") }
        let names = try fields.require("names", "write a rule per parameter, as in 'first.weight: vocab.weight'")
        if let node = fields.take("ignored") { map.ignored = try texts(node, "'ignored'") }
        if let node = fields.take("copies") { map.copies = try copies(node) }
        try fields.finish()
        guard let entries = names.entries else {
            throw names.place.error("'names' is a mapping from parameters to tensors, got \(names.summary)", in: file)
        }
        for entry in entries {
            let source = try source(entry.value, "'\(shortened(entry.key))'")
            let stars = count(entry.key)
            if let name = source.names.first(where: { count($0) != stars }) {
                throw entry.place.error(
                    "'\(shortened(entry.key))' has \(stars) '*', '\(shortened(name))' \(count(name)): each stands for what "
                        + "the one in the same place stands for, so there are as many", in: file)
            }
            map.rules.append(.init(pattern: entry.key, source: source, place: entry.place))
        }
        return map
    }

    private func count(_ name: String) -> Int { name.unicodeScalars.count { $0 == "*" } }

    private static let wanted =
        "a tensor's name, { transposed: NAME }, { joined: [NAME, NAME] } or { either: [NAME, NAME] }"

    private func source(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> NameMap.Source {
        if let name = node.string, !name.isEmpty { return .tensor(name) }
        guard let entries = node.entries else {
            throw node.place.error("\(subject): wanted \(Self.wanted), got \(node.summary)", in: file)
        }
        guard let entry = entries.first, entries.count == 1 else {
            throw node.place.error(
                "\(subject): wanted \(Self.wanted), got a mapping of \(entries.count) keys", in: file)
        }
        switch entry.key {
        case "transposed": return .transposed(try source(entry.value, subject))
        case "joined": return .joined(try sources(entry.value, "\(subject), 'joined'"))
        case "either": return .either(try sources(entry.value, "\(subject), 'either'"))
        default:
            var fields = RecipeFields(entries, node.place, subject, file: file)
            for key in ["transposed", "joined", "either"] { _ = fields.take(key) }
            throw fields.unknown(entry)
        }
    }

    private func sources(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> [NameMap.Source] {
        guard case .list(let nodes) = node.content, nodes.count >= 2 else {
            var got = node.summary
            if case .list(let nodes) = node.content { got = "a list of \(nodes.count)" }
            throw node.place.error("\(subject): wanted a list of two or more, got \(got)", in: file)
        }
        var sources: [NameMap.Source] = []
        for node in nodes { sources.append(try source(node, subject)) }
        return sources
    }

    private func copies(_ node: YAMLNode) throws(RecipeError) -> [NameMap.Copy] {
        guard let entries = node.entries else {
            throw node.place.error("'copies' is a mapping from tensors to others, got \(node.summary)", in: file)
        }
        var copies: [NameMap.Copy] = []
        for entry in entries {
            copies.append(.init(tensor: entry.key, original: try text(entry.value, "'\(shortened(entry.key))'")))
        }
        return copies
    }

    private func texts(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> [String] {
        guard case .list(let nodes) = node.content else { return [try text(node, subject)] }
        var texts: [String] = []
        for node in nodes { texts.append(try text(node, subject)) }
        return texts
    }

    private func text(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> String {
        guard let text = node.string, !text.isEmpty else {
            throw node.place.error("\(subject): wanted a name, got \(node.summary)", in: file)
        }
        return text
    }
}
