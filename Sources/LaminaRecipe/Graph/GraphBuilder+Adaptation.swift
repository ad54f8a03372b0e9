import LaminaGraph
import LaminaHost
import LaminaSchema

/// Changes of a network that is there: layers in the place of nodes, layers behind nodes.
extension GraphBuilder {
    /// Begins with the network of the base instead of with layers.
    mutating func take(_ base: GraphDefinition) {
        definition = base
        definition.loss = nil
        for index in definition.nodes.indices {
            // What a run does not train is for that run to say.
            definition.nodes[index].isFrozen = false
            targets[definition.nodes[index].name] = .node(index)
        }
        for input in base.inputs { targets[input.name] = .input }
    }

    mutating func adapt(_ adaptation: Recipe.Model.Adaptation) throws(RecipeError) {
        for replacement in adaptation.replacements { try replace(replacement) }
        try insert(adaptation.insertions)
    }

    // MARK: Replacing

    private mutating func replace(_ replacement: Recipe.Model.Replacement) throws(RecipeError) {
        guard let index = definition.nodes.firstIndex(where: { $0.name == replacement.node }) else {
            throw error(
                "'replace': the network has no node '\(shortened(replacement.node))'"
                    + suggestion(replacement.node), replacement.place)
        }
        let (component, place) = (replacement.component, replacement.component.place)
        let description = try describe(component.id, ["layer"], place)
        let old = definition.nodes[index]
        definition.nodes[index] = GraphDefinition.Node(
            name: old.name, component: description.id, version: description.version, attributes: component.attributes,
            inputs: try connected(old.inputs, to: description, "'\(old.name)' (\(description.id))", place),
            initializers: replacement.initializers.mapValues { .init($0.id, $0.attributes) })
    }

    // MARK: Inserting

    /// A node that will stand behind another; `source` is its input that takes what its host takes, if there is one.
    private struct Inserted {
        var node: GraphDefinition.Node
        var source: Int?
    }

    private mutating func insert(_ insertions: [Recipe.Model.Insertion]) throws(RecipeError) {
        guard !insertions.isEmpty else { return }
        let hosts = definition.nodes
        var names = Set(hosts.map(\.name) + definition.inputs.map(\.name))
        // What those that read a node will read instead, and the nodes behind it.
        var ends: [String: Reference] = [:]
        var behind: [String: [Inserted]] = [:]
        for insertion in insertions {
            let place = insertion.component.place
            let description = try describe(insertion.component.id, ["layer"], place)
            let ports = try ports(description, place)
            for host in try matched(insertion, hosts) {
                guard ports.count == 1 || host.inputs.first.flatMap({ $0 }) != nil else {
                    throw error(
                        "'\(description.id)' takes the input and the output of the node that it is put behind, but "
                            + "'\(host.name)' (\(host.component)) has no input", place)
                }
                let name = freeName(behind: host.name, for: description.id, &names)
                // Optional inputs between those stay unconnected.
                var inputs = [Reference?](repeating: nil, count: ports.last! + 1)
                inputs[ports.last!] = ends[host.name] ?? Reference(host.name)
                let node = GraphDefinition.Node(
                    name: name, component: description.id, version: description.version,
                    attributes: insertion.component.attributes, inputs: inputs,
                    initializers: insertion.initializers.mapValues { .init($0.id, $0.attributes) })
                behind[host.name, default: []].append(Inserted(node: node, source: ports.count == 2 ? ports[0] : nil))
                ends[host.name] = Reference(name)
            }
        }
        connect(hosts, ends, behind)
        guard definition.nodes.count <= Self.nodeLimit else {
            throw error(
                "the model has more than \(Self.nodeLimit) nodes with what 'adapt' adds",
                insertions[0].component.place)
        }
    }

    private mutating func connect(
        _ hosts: [GraphDefinition.Node], _ ends: [String: Reference], _ behind: [String: [Inserted]]
    ) {
        func moved(_ reference: Reference?) -> Reference? {
            guard let reference, reference.output == 0 else { return reference }
            return ends[reference.name] ?? reference
        }
        definition.nodes = []
        for var host in hosts {
            host.inputs = host.inputs.map(moved)
            definition.nodes.append(host)
            for inserted in behind[host.name] ?? [] {
                var node = inserted.node
                if let source = inserted.source { node.inputs[source] = host.inputs[0] }
                definition.nodes.append(node)
            }
        }
        for index in definition.outputs.indices {
            definition.outputs[index].reference = moved(definition.outputs[index].reference)!
        }
        if let loss = definition.loss { definition.loss!.inputs = loss.inputs.map(moved) }
    }

    /// The inputs that have to be connected. One: it takes the node's output; two: the node's first input, and its output.
    private func ports(_ description: ComponentDescription, _ place: Place) throws(RecipeError) -> [Int] {
        let ports = description.inputs.indices.filter { description.inputs[$0].arity != .optional }
        guard (1...2).contains(ports.count), !ports.contains(where: { description.inputs[$0].arity == .variadic })
        else {
            let names = ports.map { description.inputs[$0].name }.joined(separator: ", ")
            throw error(
                "'adapt': '\(description.id)' takes \(names.isEmpty ? "nothing" : names); wanted a layer of one input, "
                    + "for the node's output, or of two, for the node's input and its output", place)
        }
        return Array(ports)
    }

    private func matched(
        _ insertion: Recipe.Model.Insertion, _ hosts: [GraphDefinition.Node]
    ) throws(RecipeError) -> [GraphDefinition.Node] {
        for pattern in insertion.patterns where !hosts.contains(where: { pattern.matches($0.name) }) {
            throw error(
                "'to': no node of the network is named '\(shortened(pattern.text))'" + suggestion(pattern.text),
                pattern.place)
        }
        return hosts.filter { host in insertion.patterns.contains { $0.matches(host.name) } }
    }

    /// "<node>.<layer>", with a number where that is taken: a network may be adapted again.
    private func freeName(behind node: String, for id: String, _ names: inout Set<String>) -> String {
        let short = id.lastIndex(of: ".").map { String(id[id.index(after: $0)...]) } ?? id
        var name = "\(node).\(short)"
        var number = 1
        while !names.insert(name).inserted {
            number += 1
            name = "\(node).\(short)_\(number)"
        }
        return name
    }

    /// "; did you mean …?", or some of the names that there are.
    private func suggestion(_ name: String) -> String {
        let names = definition.nodes.map(\.name)
        let near = Suggestion.question(for: name, among: names)
        guard near.isEmpty else { return near }
        let shown = names.prefix(6).map { "'\($0)'" }.joined(separator: ", ")
        return "; it has \(shown)\(names.count > 6 ? ", …" : "")"
    }
}
