import CLamina
import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

/// Builds a graph node by node.
struct GraphAssembly {
    let definition: GraphDefinition
    let registry: Registry
    var parameters: [Graph.Parameter] = []
    var buffers: [Graph.Buffer] = []
    var nodes: [Graph.Node] = []
    var values: [TensorSpec?] = []
    var valueNames: [String] = []
    var outputValues: [Int] = []
    private var nodeIndex: [String: Int] = [:]
    private var inputIndex: [String: Int] = [:]
    private var parameterOwner: [String: Int] = [:]
    private var tensorBytes = 0

    init(_ definition: GraphDefinition, _ registry: Registry) {
        self.definition = definition
        self.registry = registry
    }

    mutating func addInputs() throws(GraphError) {
        for input in definition.inputs {
            guard inputIndex[input.name] == nil, !input.name.isEmpty else {
                throw GraphError(.graph, "two inputs are named '\(input.name)': give each a name of its own")
            }
            guard input.shape.count <= LayerInstance.maximumRank else {
                throw GraphError(
                    .graph,
                    "input '\(input.name)' has rank \(input.shape.count), at most \(LayerInstance.maximumRank) is possible"
                )
            }
            inputIndex[input.name] = values.count
            let shape = input.shape.map { size in
                switch size {
                case .fixed(let value): Int64(value)
                case .symbol(let name): registry.runtime.dimensions.symbol(name)
                }
            }
            values.append(TensorSpec(dtype: input.dtype, shape: shape))
            valueNames.append(input.name)
        }
        if definition.loss != nil {
            guard inputIndex[GraphDefinition.targetName] == nil else {
                throw GraphError(
                    .graph, "an input is named '\(GraphDefinition.targetName)', which is the loss's: name it otherwise")
            }
            inputIndex[GraphDefinition.targetName] = values.count
            values.append(nil)
            valueNames.append(GraphDefinition.targetName)
        }
    }

    mutating func add(_ node: GraphDefinition.Node, isLoss: Bool) throws(GraphError) {
        // Any other kind has another table of functions.
        guard node.kind == "loss" || (node.kind == "layer" && !isLoss) else {
            throw GraphError(
                .graph, node: node.name,
                "node '\(node.name)' is of kind '\(node.kind)', wanted \(isLoss ? "loss" : "layer or loss")")
        }
        guard nodeIndex[node.name] == nil, inputIndex[node.name] == nil, !node.name.isEmpty else {
            throw GraphError(
                .graph, node: node.name, "two nodes or inputs are named '\(node.name)': give each a name of its own")
        }
        let (layer, description) = try makeLayer(node)
        var inputs: [Int?] = []
        for reference in node.inputs {
            inputs.append(try reference.map { r throws(GraphError) in try resolve(r, node.name, isLoss: isLoss) })
        }
        try checkArity(node, inputs, description)
        let inferred: InferredNode
        if isLoss, inputs.contains(where: { $0 != nil && values[$0!] == nil }) {
            // The target's shape is known only with the data; `Network` infers the loss then.
            inferred = InferredNode(outputs: [TensorSpec(dtype: .float32, shape: [])])
        } else {
            do {
                inferred = try layer.infer(inputs.map { $0.flatMap { values[$0] } })
            } catch {
                throw located(error, node, inputs)
            }
        }
        let first = values.count
        for (index, output) in inferred.outputs.enumerated() {
            values.append(output)
            valueNames.append(GraphDefinition.Reference(node.name, output: index).description)
        }
        nodeIndex[node.name] = nodes.count
        let (parameterIndices, bufferIndices) = try addTensors(of: node, inferred)
        nodes.append(
            Graph.Node(
                definition: node, layer: layer, inputs: inputs, firstOutput: first,
                outputCount: inferred.outputs.count, parameters: parameterIndices, buffers: bufferIndices,
                stream: Self.hash(node.name)))
    }

    private func makeLayer(
        _ node: GraphDefinition.Node
    ) throws(GraphError) -> (LayerInstance, ComponentDescription) {
        do {
            let component = try registry.load(kind: node.kind, id: node.component)
            let description = component.description
            if let wanted = node.version, wanted != description.version {
                throw GraphError(
                    .plugin, node: node.name,
                    "\(node.component) \"\(node.name)\": the model was made for version \(wanted) of this \(node.kind), "
                        + "installed is version \(description.version); install a plugin that has it")
            }
            let attributes: AttributeSet
            do {
                attributes = try AttributeSet.bind(description.attributes, node.attributes)
            } catch {
                throw GraphError(.graph, node: node.name, "\(node.component) \"\(node.name)\": \(error.text)")
            }
            return (try LayerInstance(component, attributes, runtime: registry.runtime), description)
        } catch let error as HostError {
            if case .failed = error { throw located(error, node, []) }
            throw GraphError(.plugin, node: node.name, "\(node.component) \"\(node.name)\": \(error)")
        } catch let error as GraphError {
            throw error
        } catch {
            throw GraphError(.internal, node: node.name, "\(error)")
        }
    }

    /// The value that `reader`, a node or an output, names.
    private func resolve(
        _ reference: GraphDefinition.Reference, _ reader: String, isLoss: Bool = false
    ) throws(GraphError) -> Int {
        if let input = inputIndex[reference.name], reference.output == 0 {
            guard definition.loss == nil || reference.name != GraphDefinition.targetName || isLoss else {
                throw GraphError(.graph, node: reader, "node '\(reader)' reads the target: only the loss may")
            }
            return input
        }
        guard let index = nodeIndex[reference.name] else {
            let later = definition.nodes.contains { $0.name == reference.name }
            let known = Suggestion.question(
                for: reference.name, among: nodeIndex.keys.sorted() + inputIndex.keys.sorted())
            throw GraphError(
                .graph, node: reader,
                later
                    ? "node '\(reader)' reads '\(reference)', which comes later or is itself: nodes have to be in order"
                    : "node '\(reader)' reads '\(reference)', which does not exist\(known)")
        }
        guard reference.output < nodes[index].outputCount else {
            throw GraphError(
                .graph, node: reader,
                "node '\(reader)' reads output \(reference.output) of '\(reference.name)', which has \(nodes[index].outputCount)"
            )
        }
        return nodes[index].firstOutput + reference.output
    }

    private func checkArity(
        _ node: GraphDefinition.Node, _ inputs: [Int?], _ description: ComponentDescription
    ) throws(GraphError) {
        let (least, most) = description.inputRange
        let connected = inputs.count
        guard connected >= least, connected <= most ?? .max else {
            let wanted = most == nil ? "at least \(least)" : least == most ? "\(least)" : "\(least) to \(most!)"
            let names = description.inputs.map(\.name).joined(separator: ", ")
            throw GraphError(
                .graph, node: node.name,
                "\(node.component) \"\(node.name)\": got \(connected) inputs, wanted \(wanted) (\(names))")
        }
        for (index, input) in inputs.enumerated() where input == nil {
            // The last port stands for all inputs from there on when it is variadic.
            let port = description.inputs[min(index, description.inputs.count - 1)]
            if port.arity == .optional { continue }
            throw GraphError(
                .graph, node: node.name, "\(node.component) \"\(node.name)\": input '\(port.name)' is not connected")
        }
    }

    /// Puts the node's name before a plugin's message.
    private func located(_ error: HostError, _ node: GraphDefinition.Node, _ inputs: [Int?]) -> GraphError {
        var text = error.description
        if text.hasPrefix(node.component + ": ") { text.removeFirst(node.component.count + 2) }
        var kind = GraphError.Kind.internal
        if case .failed(let status, _) = error { kind = GraphError.kind(of: status) }
        let from = inputs.compactMap { $0 }.map { "\(valueNames[$0]) \(values[$0].map { shape($0) } ?? "")" }
        let source = from.isEmpty ? "" : " (inputs: \(from.joined(separator: ", ")))"
        return GraphError(kind, node: node.name, "\(node.component) \"\(node.name)\": \(text)\(source)")
    }

    private func shape(_ spec: TensorSpec) -> String {
        "[" + spec.shape.map { registry.runtime.dimensions.text($0) }.joined(separator: ", ") + "]"
    }

    private mutating func addTensors(
        of node: GraphDefinition.Node, _ inferred: InferredNode
    ) throws(GraphError) -> ([Int], [Int]) {
        for name in node.initializers.keys where !inferred.parameters.contains(where: { $0.name == name }) {
            let names = inferred.parameters.map { "'\($0.name)'" }.joined(separator: ", ")
            throw GraphError(
                .graph, node: node.name,
                "node '\(node.name)' has no parameter '\(name)' to initialize (it has \(names.isEmpty ? "none" : names))"
            )
        }
        let owner = try node.sharesParametersOf.map { shared throws(GraphError) -> Graph.Node in
            guard let index = nodeIndex[shared], index < nodes.count else {
                throw GraphError(
                    .graph, node: node.name,
                    "node '\(node.name)' shares parameters of '\(shared)', which is no earlier node")
            }
            return nodes[index]
        }
        var parameterIndices: [Int] = []
        var ownSizes: [Int] = []
        for parameter in inferred.parameters {
            if let index = try shared(parameter, of: owner, by: node, with: inferred) {
                parameterIndices.append(index)
                continue
            }
            let name = "\(node.name).\(parameter.name)"
            guard parameterOwner[name] == nil else {
                let owner = nodes.first { $0.parameters.contains(parameterOwner[name]!) }?.definition.name
                throw owner.map { owner in
                    GraphError(
                        .graph, node: node.name,
                        "nodes '\(owner)' and '\(node.name)' both have a parameter '\(name)': rename one of them")
                } ?? GraphError(.internal, node: node.name, "the plugin declares parameter '\(name)' twice")
            }
            parameterOwner[name] = parameters.count
            parameterIndices.append(parameters.count)
            ownSizes.append(parameter.shape.reduce(4, *))
            parameters.append(
                Graph.Parameter(
                    name: name, shape: parameter.shape,
                    initializer: node.initializers[parameter.name] ?? parameter.initializer,
                    hasDecay: parameter.hasDecay, isFrozen: node.isFrozen))
        }
        let sizes = ownSizes + inferred.buffers.map { $0.shape.reduce($0.dtype.size, *) }
        // Sums of these are formed in several places.
        tensorBytes = try ByteCount.sum([tensorBytes] + sizes, "the model's parameters")
        let firstBuffer = buffers.count
        buffers += inferred.buffers.map {
            Graph.Buffer(name: "\(node.name).\($0.name)", dtype: $0.dtype, shape: $0.shape, initial: $0.initial)
        }
        return (parameterIndices, Array(firstBuffer..<buffers.count))
    }

    /// The parameter of the owner that a node uses as one of its own; nil: it shares nothing, or the owner has none of that name.
    ///
    /// So a product with another layer's weight may have a bias of its own. One at least has to be shared.
    private func shared(
        _ parameter: InferredNode.Parameter, of owner: Graph.Node?, by node: GraphDefinition.Node,
        with inferred: InferredNode
    ) throws(GraphError) -> Int? {
        guard let owner else { return nil }
        func name(_ parameter: InferredNode.Parameter) -> String { "\(owner.definition.name).\(parameter.name)" }
        guard let index = parameterOwner[name(parameter)] else {
            let sharesAny = inferred.parameters.contains { parameterOwner[name($0)] != nil }
            if sharesAny, owner.definition.sharesParametersOf == nil { return nil }
            throw GraphError(
                .graph, node: node.name, "node '\(node.name)' shares '\(name(parameter))', which does not exist")
        }
        guard parameters[index].shape == parameter.shape else {
            throw GraphError(
                .graph, node: node.name,
                "node '\(node.name)' shares '\(name(parameter))', which has shape \(parameters[index].shape), wanted "
                    + "\(parameter.shape)")
        }
        return index
    }

    mutating func addOutputs() throws(GraphError) {
        for output in definition.outputs {
            guard definition.outputs.count(where: { $0.name == output.name }) == 1 else {
                throw GraphError(.graph, "two outputs are named '\(output.name)': give each a name of its own")
            }
            outputValues.append(try resolve(output.reference, "output \(output.name)"))
        }
        guard !outputValues.isEmpty else { throw GraphError(.graph, "the graph has no output: name at least one") }
        for carry in definition.carries { try check(carry) }
        // Batches have what data fill first.
        let isCarried = definition.inputs.map { input in definition.carries.contains { $0.input == input.name } }
        if let first = isCarried.firstIndex(of: true), let later = isCarried[first...].firstIndex(of: false) {
            throw GraphError(
                .graph,
                "input '\(definition.inputs[first].name)', which is carried, stands before '\(definition.inputs[later].name)', "
                    + "which is not: carried inputs come last")
        }
    }

    private func check(_ carry: GraphDefinition.Carry) throws(GraphError) {
        guard let input = inputIndex[carry.input], carry.input != GraphDefinition.targetName else {
            throw GraphError(.graph, "there is no input '\(carry.input)' to carry '\(carry.output)' to")
        }
        guard let output = definition.outputs.firstIndex(where: { $0.name == carry.output }) else {
            throw GraphError(
                .graph,
                "there is no output '\(carry.output)' to carry to input '\(carry.input)': name it among the outputs")
        }
        guard definition.carries.count(where: { $0.input == carry.input }) == 1 else {
            throw GraphError(.graph, "input '\(carry.input)' gets two outputs of the batch before: keep one")
        }
        guard let given = values[outputValues[output]], let wanted = values[input], given == wanted else {
            func text(_ value: Int) -> String {
                guard let spec = values[value] else { return "nothing" }
                let sizes = spec.shape.map { registry.runtime.dimensions.text($0) }
                return "\(spec.dtype.name) [\(sizes.joined(separator: ", "))]"
            }
            throw GraphError(
                .graph,
                "output '\(carry.output)' is \(text(outputValues[output])), input '\(carry.input)', to which it is carried, is "
                    + text(input))
        }
    }

    /// FNV-1a: a node's random stream depends on its name alone.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
