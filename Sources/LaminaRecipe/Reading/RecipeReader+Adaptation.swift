import LaminaFormats

extension RecipeReader {
    static let adaptationKeys = ["frozen", "replace", "adapt"]
    static let insertionKeys = ["to", "initializers"]
    private static let replacementKeys = ["initializers"]

    /// `from: BASE.lamina`, relative to the recipe's folder like every other path.
    func base(_ node: YAMLNode) throws(RecipeError) -> Recipe.Base {
        let path = try plain(text(node, "'from'"), "'from'", node)
        guard !path.isEmpty else { throw error("'from': wanted the path of an archive, got nothing", node) }
        let folder = path.hasPrefix("/") ? "" : folder.map { $0 + "/" } ?? ""
        return Recipe.Base(folder + path, place: node.place)
    }

    /// Reads what of `model:` changes a network whose layers are given.
    func adaptation(_ fields: inout RecipeFields) throws(RecipeError) -> Recipe.Model.Adaptation {
        var adaptation = Recipe.Model.Adaptation()
        if let node = fields.take("frozen") { adaptation.frozen = try patterns(node, "'frozen'", of: "parameter") }
        if let node = fields.take("replace") { adaptation.replacements = try replacements(node) }
        if let node = fields.take("adapt") { adaptation.insertions = try insertions(node) }
        return adaptation
    }

    private func patterns(_ node: YAMLNode, _ subject: String, of what: String) throws(RecipeError) -> [Recipe.Pattern]
    {
        var patterns: [Recipe.Pattern] = []
        for element in try list(node, subject, of: "patterns") {
            let text = try text(element, subject)
            guard !text.isEmpty else {
                throw error("\(subject): wanted a pattern of \(what) names, got nothing", element)
            }
            patterns.append(.init(text, place: element.place))
        }
        return patterns
    }

    /// `{ head: { <plugin>.<layer>: { … } } }`
    private func replacements(_ node: YAMLNode) throws(RecipeError) -> [Recipe.Model.Replacement] {
        guard let entries = node.entries, !entries.isEmpty else {
            throw error("'replace' is a mapping from nodes to the layers in their place, got \(node.summary)", node)
        }
        var replacements: [Recipe.Model.Replacement] = []
        for entry in entries {
            try check(name: entry.key, "a node", entry.place)
            let subject = "'replace.\(shortened(entry.key))'"
            let (component, initializers, _) = try layer(entry.value, subject, Self.replacementKeys)
            replacements.append(.init(of: entry.key, by: component, initializers: initializers, place: entry.place))
        }
        return replacements
    }

    /// `[ { <plugin>.<layer>: { … }, to: [patterns] } ]`
    private func insertions(_ node: YAMLNode) throws(RecipeError) -> [Recipe.Model.Insertion] {
        let nodes: [YAMLNode]
        switch node.content {
        case .list(let elements): nodes = elements
        case .mapping: nodes = [node]
        case .scalar: throw error("'adapt' is a list of layers with 'to', got \(node.summary)", node)
        }
        var insertions: [Recipe.Model.Insertion] = []
        for node in nodes {
            let (component, initializers, to) = try layer(node, "an entry of 'adapt'", Self.insertionKeys)
            guard let to else {
                throw error(
                    "'adapt': say beside '\(component.id)' with 'to' behind which nodes it is put, as in to: [\"*.head\"]",
                    node)
            }
            let patterns = try patterns(to, "'to'", of: "node")
            guard !patterns.isEmpty else { throw error("'to': wanted a pattern of node names, got nothing", to) }
            insertions.append(.init(component, behind: patterns, initializers: initializers))
        }
        return insertions
    }

    private func layer(
        _ node: YAMLNode, _ subject: String, _ hostKeys: [String]
    ) throws(RecipeError) -> (Recipe.Component, [String: Recipe.Component], to: YAMLNode?) {
        var entry = try entry(node, subject, kinds: ["layer"], hostKeys: hostKeys)
        let component = try bind(entry, kinds: ["layer"], hostKeys: hostKeys)
        let to = hostKeys.contains("to") ? entry.siblings.take("to") : nil
        let initializers = entry.siblings.take("initializers")
        try finish(entry, hostKeys: hostKeys)
        var given: [String: Recipe.Component] = [:]
        if let initializers { given = try self.initializers(initializers) }
        return (component, given, to)
    }
}
