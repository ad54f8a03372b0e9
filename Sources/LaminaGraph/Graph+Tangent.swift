import CLamina
import LaminaHost
import LaminaSDK

/// Forward mode: the graph of the derivative along a direction.
extension Graph {
    /// The tangent graph, (x, ẋ) → ẏ = ∂y/∂x · ẋ, whose backward gives derivatives of derivatives.
    ///
    /// Its inputs are those of this graph, then "x/tangent" of the same shape for each input x of float32. Its outputs are the
    /// tangents of this graph's outputs, under their names; those that do not depend on such an input are left out. The
    /// nodes of this graph come first, so that parameters and buffers are index by index the same; the nodes that layers
    /// give for their tangents (the extension `lamina.jvp/1`) follow and have none of their own. There is no loss.
    public func tangent() throws(GraphError) -> Graph {
        var assembly = TangentAssembly(self)
        for node in hasLoss ? nodes.dropLast() : nodes[...] { try assembly.add(node) }
        try assembly.addOutputs()
        let frozen = Set(parameters.filter(\.isFrozen).map(\.name))
        let result = try Graph(assembly.definition, registry: registry) { name, _ in frozen.contains(name) }
        try assembly.check(result)
        return result
    }
}

/// Puts the nodes of tangents beside those of a graph.
private struct TangentAssembly {
    typealias Reference = GraphDefinition.Reference

    let graph: Graph
    private(set) var definition: GraphDefinition
    /// By value of the graph; none: it is zero.
    private var tangents: [Int: Reference] = [:]
    /// What nodes gave for their outputs: the values whose types and shapes they have to have.
    private var given: [(reference: Reference, value: Int, node: Graph.Node)] = []
    private static let nodeLimit = 4096

    init(_ graph: Graph) {
        self.graph = graph
        definition = GraphDefinition(inputs: graph.definition.inputs, nodes: graph.definition.nodes)
        for (value, input) in graph.definition.inputs.enumerated() where input.dtype == .float32 {
            let name = Self.name(input.name, "tangent")
            definition.inputs.append(.init(name, input.dtype, input.shape))
            tangents[value] = Reference(name)
        }
    }

    /// No node of a recipe or of a block has a name with a slash.
    private static func name(_ owner: String, _ local: String) -> String { "\(owner)/\(local)" }

    /// Adds the nodes for the tangents of a node's outputs, if any of its inputs has one.
    mutating func add(_ node: Graph.Node) throws(GraphError) {
        let inputTangents = node.inputs.map { $0.flatMap { tangents[$0] } }
        guard inputTangents.contains(where: { $0 != nil }) else { return }
        let owner = node.definition.name
        let expansion = try expand(node, inputTangents.map { $0 == nil ? 0 : 1 })
        let outputs = (0..<node.outputCount).map { Reference(owner, output: $0) }
        let places = node.definition.inputs + outputs + inputTangents
        var local: Set<String> = []
        func resolve(_ text: String?) throws(GraphError) -> Reference? {
            guard let text else { return nil }
            if text.first == "#", let index = Int(text.dropFirst()), places.indices.contains(index) {
                return places[index]
            }
            guard let reference = Reference(text), local.contains(reference.name) else {
                throw fault(node, "it refers to '\(text)', which it has not added")
            }
            return Reference(Self.name(owner, reference.name), output: reference.output)
        }
        for added in expansion.nodes {
            var inputs: [Reference?] = []
            for input in added.inputs { inputs.append(try resolve(input)) }
            guard local.insert(added.name).inserted else { throw fault(node, "it names two nodes '\(added.name)'") }
            var result = GraphDefinition.Node(
                name: Self.name(owner, added.name), component: added.component, attributes: added.attributes,
                inputs: inputs)
            if added.component == LAMINA_JVP_SELF {
                result.component = node.definition.component
                result.version = node.definition.version
                result.attributes = node.definition.attributes.merging(added.attributes)
            }
            if let share = added.share {
                guard share == LAMINA_JVP_SELF else {
                    throw fault(node, "'\(added.name)' shares parameters of '\(share)'")
                }
                result.sharesParametersOf = node.definition.sharesParametersOf ?? owner
            }
            definition.nodes.append(result)
        }
        guard expansion.outputs.count == node.outputCount else {
            throw fault(node, "it gives \(expansion.outputs.count) tangents for \(node.outputCount) outputs")
        }
        for (index, text) in expansion.outputs.enumerated() {
            guard let reference = try resolve(text) else { continue }
            tangents[node.firstOutput + index] = reference
            given.append((reference, node.firstOutput + index, node))
        }
    }

    private func expand(_ node: Graph.Node, _ hasTangent: [UInt8]) throws(GraphError) -> NodeExpansion {
        let place = "\(node.definition.component) \"\(node.definition.name)\""
        guard let table = node.layer.tangents else {
            throw GraphError(
                .unsupported, node: node.definition.name,
                "\(place): its plugin gives no tangent for it (\(LAMINA_EXTENSION_JVP)), which derivatives of derivatives "
                    + "need: leave it out of this network, or use a layer that has one")
        }
        do throws(NodeExpansion.Failure) {
            return try NodeExpansion.collect(
                inputCount: hasTangent.count, nodeLimit: Self.nodeLimit, runtime: graph.runtime,
                refusing: "\(place) has no tangent"
            ) { expansion in
                hasTangent.withUnsafeBufferPointer { flags in
                    var linearization = lamina_linearization(
                        struct_size: UInt32(MemoryLayout<lamina_linearization>.size),
                        input_count: Int32(hasTangent.count), output_count: Int32(node.outputCount), reserved: 0,
                        has_tangent: flags.baseAddress, expansion: expansion)
                    return table.pointee.expand(node.layer.handle, &linearization)
                }
            }
        } catch {
            throw GraphError(.unsupported, node: node.definition.name, error.message)
        }
    }

    private func fault(_ node: Graph.Node, _ text: String) -> GraphError {
        GraphError(
            .internal, node: node.definition.name,
            "\(node.definition.component) \"\(node.definition.name)\", in its tangent: \(text) (a bug of the plugin)")
    }

    mutating func addOutputs() throws(GraphError) {
        for (output, value) in zip(graph.definition.outputs, graph.outputValues) {
            if let tangent = tangents[value] { definition.outputs.append(.init(output.name, tangent)) }
        }
        guard !definition.outputs.isEmpty else {
            throw GraphError(.graph, "no output depends on an input of float32: all tangents are zero")
        }
    }

    /// What only the finished graph shows: that tangents are like what they belong to, and that nothing is theirs alone.
    func check(_ result: Graph) throws(GraphError) {
        var values: [String: Int] = [:]
        for (index, name) in result.valueNames.enumerated() { values[name] = index }
        for (reference, value, node) in given {
            let (got, wanted) = (values[reference.description].flatMap { result.values[$0] }, graph.values[value])
            guard let got, let wanted, got == wanted else {
                throw fault(
                    node,
                    "'\(reference)' is \(got.map { "\($0.dtype.name) \(result.text($0))" } ?? "nothing"), wanted "
                        + "\(wanted.map { "\($0.dtype.name) \(graph.text($0))" } ?? "nothing") as '\(graph.valueNames[value])'"
                )
            }
        }
        let known = Set(graph.parameters.map(\.name) + graph.buffers.map(\.name))
        if let own = (result.parameters.map(\.name) + result.buffers.map(\.name)).first(where: { !known.contains($0) })
        {
            throw GraphError(
                .internal,
                "a tangent has '\(own)' of its own: it may only share what is its layer's (a bug of the plugin)")
        }
        precondition(result.parameters.map(\.name) == graph.parameters.map(\.name))
    }
}

extension LayerInstance {
    /// The function that expands its tangent; nil: it has none.
    fileprivate var tangents: UnsafePointer<lamina_jvp>? {
        guard let table = table.pointee.get_extension?(handle, LAMINA_EXTENSION_JVP) else { return nil }
        let jvp = table.assumingMemoryBound(to: lamina_jvp.self)
        return Int(jvp.pointee.struct_size) >= MemoryLayout<lamina_jvp>.size && jvp.pointee.expand != nil ? jvp : nil
    }
}
