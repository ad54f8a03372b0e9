import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

/// An entry that names a component: `<plugin>.<name>`, or a mapping with that key, and host keys beside it.
struct ComponentEntry {
    var id: String
    /// Where the id stands.
    var place: Place
    /// The attributes as they were written.
    var attributes: [YAMLNode.Entry]
    /// The host's keys, which stand beside the component.
    var siblings: RecipeFields
}

extension RecipeReader {
    /// Takes an entry apart. A key with a dot is the component; `hostKeys`, which have none, may stand beside it.
    func entry(
        _ node: YAMLNode, _ subject: String, kinds: [String], hostKeys: [String]
    ) throws(RecipeError) -> ComponentEntry {
        let nothing = RecipeFields([], node.place, subject, file: file)
        switch node.content {
        case .scalar(.string(let id), _):
            return ComponentEntry(id: id, place: node.place, attributes: [], siblings: nothing)
        case .mapping(let entries):
            let components = entries.filter { !hostKeys.contains($0.key) && $0.key.contains(".") }
            guard let component = components.first else {
                // A sole foreign key is probably a component whose plugin was forgotten.
                if let stranger = entries.first(where: { !hostKeys.contains($0.key) }) {
                    _ = try describe(stranger.key, stranger.place, kinds: kinds)
                }
                throw error("\(subject) names no component\(example(kinds))", node)
            }
            if components.count > 1 {
                throw error(
                    "\(subject) names two components, '\(component.key)' and '\(components[1].key)'"
                        + (kinds.contains("layer") ? "; begin each entry with '- '" : "; keep one"), components[1].place
                )
            }
            let attributes: [YAMLNode.Entry]
            switch component.value.content {
            case .mapping(let given): attributes = given
            case .scalar(.null, _): attributes = []
            default:
                let schema = try describe(component.key, component.place, kinds: kinds).attributes
                let sample = (schema.first { $0.isRequired } ?? schema.first)?.name
                throw error(
                    "'\(component.key)': wanted its attributes"
                        + (sample.map { ", as in { \($0): … }" } ?? ", of which it has none")
                        + ", got \(component.value.summary)", component.value)
            }
            let rest = entries.filter { $0.key != component.key }
            return ComponentEntry(
                id: component.key, place: component.place, attributes: attributes,
                siblings: RecipeFields(rest, node.place, "the entry of '\(component.key)'", file: file))
        default:
            throw error("\(subject): wanted a component\(example(kinds)), got \(node.summary)", node)
        }
    }

    /// The component of an entry, its attributes bound.
    func bind(_ entry: ComponentEntry, kinds: [String], hostKeys: [String]) throws(RecipeError) -> Recipe.Component {
        let description = try describe(entry.id, entry.place, kinds: kinds)
        for attribute in entry.attributes where hostKeys.contains(attribute.key) {
            guard !description.attributes.contains(where: { $0.name == attribute.key }) else { continue }
            throw error(
                "'\(attribute.key)' stands beside '\(entry.id)', not among its attributes: "
                    + "indent it as '\(entry.id):' is",
                attribute.place)
        }
        for sibling in entry.siblings.entries where !hostKeys.contains(sibling.key) {
            guard description.attributes.contains(where: { $0.name == sibling.key }) else { continue }
            throw error(
                "'\(sibling.key)' is an attribute of '\(entry.id)': write it inside, "
                    + "'\(entry.id): { \(sibling.key): \(shortFlow(sibling.value)) }'", sibling.place)
        }
        return try component(description, entry.attributes, entry.place)
    }

    func component(
        _ description: ComponentDescription, _ given: [YAMLNode.Entry], _ place: Place
    ) throws(RecipeError) -> Recipe.Component {
        Recipe.Component(
            kind: description.kind, description.id, try bind(given, to: description, place),
            pathAttributes: description.attributes.filter(\.isPath).map(\.name), place: place)
    }

    /// Checks attributes against a component's schema; errors stand at the attribute that is at fault.
    func bind(
        _ given: [YAMLNode.Entry], to description: ComponentDescription, _ place: Place
    ) throws(RecipeError) -> JSONObject {
        do {
            let values = JSONObject(given.map { ($0.key, $0.value.json) })
            return try AttributeSet.bind(description.attributes, values, pathsRelativeTo: folder).json
        } catch {
            var place = place
            if let entry = given.first(where: { $0.key == error.attribute }) {
                place = error.reason == .unknown ? entry.place : entry.value.place
                if let index = error.element, case .list(let nodes) = entry.value.content, nodes.indices.contains(index)
                {
                    place = nodes[index].place
                }
            }
            throw self.error("'\(description.id)': \(error.text)", place)
        }
    }

    /// A component without host keys.
    func component(_ node: YAMLNode, _ subject: String, kind: String) throws(RecipeError) -> Recipe.Component {
        let entry = try entry(node, subject, kinds: [kind], hostKeys: [])
        let component = try bind(entry, kinds: [kind], hostKeys: [])
        try finish(entry, hostKeys: [])
        return component
    }

    /// Refuses keys beside the component that are neither the host's nor (see `bind`) its own attributes.
    func finish(_ entry: ComponentEntry, hostKeys: [String]) throws(RecipeError) {
        guard hostKeys.isEmpty, let stranger = entry.siblings.entries.first else { return try entry.siblings.finish() }
        throw error("'\(shortened(stranger.key))' cannot stand beside '\(entry.id)': nothing can", stranger.place)
    }

    func components(_ node: YAMLNode, _ subject: String, kind: String) throws(RecipeError) -> [Recipe.Component] {
        var components: [Recipe.Component] = []
        let nodes: [YAMLNode]
        if case .list(let elements) = node.content { nodes = elements } else { nodes = [node] }
        for node in nodes { components.append(try component(node, "an entry of \(subject)", kind: kind)) }
        return components
    }

    /// What an installed component says of itself; `kinds` are those that may stand here.
    func describe(_ id: String, _ place: Place, kinds: [String]) throws(RecipeError) -> ComponentDescription {
        for kind in kinds {
            if let found = try? registry.describe(kind: kind, id: id) { return found }
        }
        let candidates = kinds.flatMap { registry.components(kind: $0) }.map(\.id)
        guard id.contains(".") else {
            let near =
                candidates.first { $0.hasSuffix("." + id) }
                ?? Suggestion.closest(
                    to: id, among: candidates.map { $0.split(separator: ".").last.map(String.init) ?? "" }
                )
                .flatMap { word in candidates.first { $0.hasSuffix("." + word) } }
            throw error(
                "'\(shortened(id))' is no component: wanted <plugin>.<name>"
                    + (near.map { "; did you mean '\($0)'?" } ?? ""), place)
        }
        let pluginID = String(id.prefix { $0 != "." })
        guard let plugin = registry.plugin(pluginID) else {
            let near = Suggestion.question(for: id, among: candidates)
            let installed = registry.plugins.map(\.id).sorted().joined(separator: ", ")
            throw error(
                "\(kinds[0]) '\(shortened(id))' needs plugin '\(shortened(pluginID))', which is not installed "
                    + "(installed: \(installed.isEmpty ? "none" : installed))\(near)", place, kind: .missingPlugin)
        }
        if let other = plugin.components.first(where: { $0.id == id })?.kind {
            throw error("'\(id)' is \(article(other)), wanted \(article(kinds[0]))", place)
        }
        // The plugin's name is right: only what follows it counts.
        let prefix = pluginID + "."
        let names = candidates.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        let near =
            Suggestion.closest(to: String(id.dropFirst(prefix.count)), among: names)
            .map { "; did you mean '\(prefix)\($0)'?" } ?? ""
        throw error(
            "plugin '\(pluginID)' \(plugin.version) has no \(kinds.joined(separator: " or ")) '\(shortened(id))'"
                + (near.isEmpty ? "; see `lamina plugins show \(pluginID)`" : near), place)
    }

    private func article(_ kind: String) -> String {
        (kind.first.map { "aeiou".contains($0) } == true ? "an " : "a ") + kind
    }

    /// ", such as '…'" with an installed component.
    private func example(_ kinds: [String]) -> String {
        registry.components(kind: kinds[0]).first.map { ", such as '\($0.id)'" } ?? ", <plugin>.<name>"
    }

    private func shortFlow(_ node: YAMLNode) -> String {
        if case .scalar(_, let text) = node.content { shortened(text) } else { "…" }
    }
}
