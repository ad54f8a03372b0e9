extension GraphDefinition {
    /// Several graphs beside each other, without losses: what is "name" in one is "<graph>.name" in the whole.
    public static func union(_ graphs: [(name: String, definition: GraphDefinition)]) -> GraphDefinition {
        var whole = GraphDefinition()
        for (prefix, graph) in graphs {
            func renamed(_ reference: Reference) -> Reference {
                Reference("\(prefix).\(reference.name)", output: reference.output)
            }
            whole.inputs += graph.inputs.map { .init("\(prefix).\($0.name)", $0.dtype, $0.shape) }
            whole.nodes += graph.nodes.map { node in
                var node = node
                node.name = "\(prefix).\(node.name)"
                node.inputs = node.inputs.map { $0.map(renamed) }
                node.sharesParametersOf = node.sharesParametersOf.map { "\(prefix).\($0)" }
                return node
            }
            whole.outputs += graph.outputs.map { .init("\(prefix).\($0.name)", renamed($0.reference)) }
        }
        return whole
    }
}
