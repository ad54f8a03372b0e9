import LaminaFormats
import LaminaSchema

/// One `--set path=value`: changes or adds a value in the tree, before the recipe is checked.
///
/// A path is keys with dots between them and positions in brackets: "model.layers[3].<plugin>.<name>.units". Keys may
/// contain dots themselves (components do), so at each mapping the longest key that fits is taken. What is added has to
/// pass the same checks as what stands in the file, and errors in it name the override.
struct RecipeOverride {
    let argument: String
    private let path: String
    private let value: YAMLNode?
    private let place: Place

    init(_ argument: String) throws(RecipeError) {
        self.argument = argument
        place = Place(line: 1, column: 1, override: argument)
        guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
            throw place.error("wanted path=value, as in train.epochs=5", in: "")
        }
        path = String(argument[..<equals])
        let text = argument[argument.index(after: equals)...]
        value = try YAMLParser.parse(Array(text.utf8), file: "--set " + argument, override: argument)
    }

    func apply(to root: YAMLNode?) throws(RecipeError) -> YAMLNode {
        var node = root ?? YAMLNode(content: .mapping([]), place: place)
        try set(&node, path[...], depth: 0)
        return node
    }

    /// Sets what `rest` of the path leads to, below `node`.
    private func set(_ node: inout YAMLNode, _ rest: Substring, depth: Int) throws(RecipeError) {
        guard depth <= YAMLParser.depthLimit else {
            throw error("the path is deeper than \(YAMLParser.depthLimit) levels")
        }
        if rest.isEmpty {
            node = value ?? YAMLNode(content: .scalar(.null, text: ""), place: place)
            return
        }
        if rest.first == "[" { return try setElement(&node, rest, depth: depth) }
        switch node.content {
        case .mapping: break
        case .scalar(.null, _): node.content = .mapping([])
        case .scalar(.string(let id), _) where id.contains("."):
            // A component without attributes: give it room for some.
            let nothing = YAMLNode(content: .mapping([]), place: node.place)
            node.content = .mapping([.init(key: id, place: node.place, value: nothing)])
        default:
            throw error("'\(walked(rest))' is \(node.summary), it has no key '\(rest)'")
        }
        guard case .mapping(var entries) = node.content else { return }
        let fitting = entries.indices.filter { Self.leads(entries[$0].key, rest) }
        if let index = fitting.max(by: { entries[$0].key.utf8.count < entries[$1].key.utf8.count }) {
            try set(&entries[index].value, Self.after(entries[index].key, rest), depth: depth + 1)
        } else {
            let key = try newKey(rest, entries)
            var value = YAMLNode(content: .mapping([]), place: place)
            try set(&value, Self.after(key, rest), depth: depth + 1)
            entries.append(.init(key: key, place: place, value: value))
        }
        node.content = .mapping(entries)
    }

    /// "[3]" and what follows it.
    private func setElement(_ node: inout YAMLNode, _ rest: Substring, depth: Int) throws(RecipeError) {
        guard let end = rest.firstIndex(of: "]"), let index = Int(rest[rest.index(after: rest.startIndex)..<end]),
            index >= 0
        else { throw error("wanted a position in brackets at '\(rest)', as in layers[3]") }
        guard case .list(var nodes) = node.content else {
            throw error("'\(walked(rest))' is \(node.summary), not a list")
        }
        guard nodes.indices.contains(index) else {
            throw error("'\(walked(rest))' has \(nodes.count) entries, counted from 0; there is no [\(index)]")
        }
        var following = rest[rest.index(after: end)...]
        if following.first == "." { following = following.dropFirst() }
        try set(&nodes[index], following, depth: depth + 1)
        node.content = .list(nodes)
    }

    /// The key to add for the beginning of `rest`: up to the next dot, because new keys of the host have none.
    private func newKey(_ rest: Substring, _ entries: [YAMLNode.Entry]) throws(RecipeError) -> String {
        let words = rest.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = words.first, words.allSatisfy({ !$0.isEmpty }) else {
            throw error("the path has an empty part at '\(rest)'")
        }
        if words.count > 1, let component = entries.first(where: { $0.key.contains(".") }),
            !RecipeReader.hostKeys.contains(String(first.prefix { $0 != "[" }))
        {
            throw error("there is '\(component.key)' here, not '\(words[0...1].joined(separator: "."))'")
        }
        guard let bracket = first.firstIndex(of: "[") else { return String(first) }
        let key = first[..<bracket]
        throw error(
            "there is no list '\(key)' here" + Suggestion.question(for: String(key), among: entries.map(\.key)))
    }

    /// Whether `rest` is `key`, or goes on below it.
    private static func leads(_ key: String, _ rest: Substring) -> Bool {
        guard rest.hasPrefix(key) else { return false }
        let next = rest.dropFirst(key.count).first
        return next == nil || next == "." || next == "["
    }

    private static func after(_ key: String, _ rest: Substring) -> Substring {
        let following = rest.dropFirst(key.count)
        return following.first == "." ? following.dropFirst() : following
    }

    /// The part of the path before `rest`.
    private func walked(_ rest: Substring) -> String {
        var walked = path.dropLast(rest.count)
        if walked.last == "." { walked = walked.dropLast() }
        return walked.isEmpty ? "the recipe" : String(walked)
    }

    private func error(_ message: String) -> RecipeError { place.error(message, in: "") }
}
