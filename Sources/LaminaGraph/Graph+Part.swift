extension Graph {
    /// A part of a graph, and where its parameters and buffers are found in the whole.
    public struct Part: Sendable {
        public var definition: GraphDefinition
        /// Names in the whole graph by names in the part, where they differ: a node that shares parameters stands alone.
        public var origins: [String: String]
    }

    /// The nodes between what is given and what is wanted, as a graph of their own, without loss.
    ///
    /// Its inputs are the given values in their order, with the dimensions that they have here, symbols included; its
    /// outputs are the wanted ones. Names of its inputs have a blank before them, which no node's name has.
    public func part(wanted: [GraphDefinition.Reference], given: [GraphDefinition.Reference]) throws(GraphError) -> Part
    {
        for (index, reference) in given.enumerated() where given[..<index].contains(reference) {
            throw GraphError(.data, "'\(reference)' is given twice")
        }
        func replaced(_ reference: GraphDefinition.Reference) -> GraphDefinition.Reference {
            given.contains(reference) ? .init(" \(reference)") : reference
        }
        // From the wanted ones backwards, to what is given.
        var needed: Set<String> = []
        let inputs = Set(definition.inputs.map(\.name))
        func need(_ reference: GraphDefinition.Reference) throws(GraphError) {
            if given.contains(reference) { return }
            guard !inputs.contains(reference.name) else {
                throw GraphError(
                    .data,
                    "'\(wanted.map(\.description).joined(separator: ", "))' needs the input '\(reference)', "
                        + "which is not given")
            }
            needed.insert(reference.name)
        }
        for reference in wanted {
            _ = try spec(of: reference)
            try need(reference)
        }
        var nodes: [GraphDefinition.Node] = []
        for node in definition.nodes.reversed() where needed.contains(node.name) {
            for case let reference? in node.inputs { try need(reference) }
            var node = node
            node.inputs = node.inputs.map { $0.map(replaced) }
            nodes.insert(node, at: 0)
        }
        var part = Part(definition: GraphDefinition(nodes: nodes), origins: [:])
        for (index, node) in nodes.enumerated() {
            guard let owner = node.sharesParametersOf, !needed.contains(owner) else { continue }
            part.definition.nodes[index].sharesParametersOf = nil
            // Its buffers are its own, here as there, and parameters that the owner has not.
            let own = self.nodes.first { $0.definition.name == node.name }!
            let shared = Set(self.nodes.first { $0.definition.name == owner }!.parameters)
            for parameter in own.parameters where shared.contains(parameter) {
                let name = parameters[parameter].name
                part.origins[node.name + name.dropFirst(owner.count)] = name
            }
        }
        for reference in given {
            let spec = try spec(of: reference)
            part.definition.inputs.append(
                .init(
                    " \(reference)", spec.dtype,
                    spec.shape.map { $0 >= 0 ? .fixed(Int($0)) : .symbol(runtime.dimensions.text($0)) }))
        }
        part.definition.outputs = wanted.map { .init($0.description, replaced($0)) }
        return part
    }

    private func spec(of reference: GraphDefinition.Reference) throws(GraphError) -> TensorSpec {
        guard let index = valueNames.firstIndex(of: reference.description), index != targetValue,
            index != lossValue, let spec = values[index]
        else {
            throw GraphError(.data, "the model has no '\(reference)'")
        }
        return spec
    }
}
