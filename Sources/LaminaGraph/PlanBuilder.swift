import CLamina
import Glibc
import LaminaHost
import LaminaSDK

/// Decides everything that can be decided before the first batch, for one set of concrete shapes.
///
/// The steps, each in a file of its own: concrete shapes and layouts with reorders between them (here), what every layer
/// needs (`PlanBuilder+Needs`), which tensors share memory and when they live (`PlanBuilder+Liveness`), where they
/// lie (`ArenaLayout`), and the descriptors that a step hands to the plugins (`Plan`).
final class PlanBuilder {
    /// A tensor that flows along an edge, in one layout.
    struct Value {
        var spec: TensorSpec
        var layout: UInt32
        var bytes: Int
        /// The operation that makes it; nil for graph inputs.
        var producer: Int?
        /// Operations that read it, with the input's index.
        var consumers: [(operation: Int, input: Int)] = []
        var isGraphInput = false
        var isGraphOutput = false
        var needsGradient = false
        /// It holds only the newest steps of sequences.
        var holdsSteps = false
        var name: String
    }

    enum Kind {
        case node(Int)
        /// Copies a value into the other layout.
        case reorder
    }

    /// One forward call, and perhaps a backward call, of a step.
    struct Operation {
        var kind: Kind
        var inputs: [Int?]
        var outputs: [Int]
        var needs = Needs()
        var planned: PlannedHandle?
        var runsBackward = false
        /// The operation whose forward calls this one's range by range; see `followProducers`.
        var root: Int?
    }

    let graph: Graph
    let request: PlanRequest
    var values: [Value] = []
    var operations: [Operation] = []
    var inputValues: [Int] = []
    var targetValue: Int?
    var outputValues: [Int] = []
    var lossValue: Int?
    /// Graph value → the value that carries it in the layout in which it was made.
    private var carrier: [Int: Int] = [:]
    private var reordered: [Int: Int] = [:]

    init(_ graph: Graph, _ request: PlanRequest) {
        self.graph = graph
        self.request = request
    }

    func build() throws(GraphError) {
        try addInputs()
        let active = activeNodes()
        for (index, node) in graph.nodes.enumerated() where active[index] { try add(node, index) }
        for value in graph.outputValues { outputValues.append(try inLayout(carrier[value]!, LAMINA_LAYOUT_PLAIN)) }
        for value in outputValues { values[value].isGraphOutput = true }
        if request.target != nil, let loss = graph.lossValue {
            lossValue = carrier[loss]!
            values[lossValue!].isGraphOutput = true
        }
        propagateGradients()
        try askNeeds()
        followProducers()
    }

    // MARK: Shapes and layouts

    private func addInputs() throws(GraphError) {
        var symbols: [String: Int64] = [:]
        guard request.inputs.count == graph.definition.inputs.count else {
            throw GraphError(
                .data, "got \(request.inputs.count) inputs, the model takes \(graph.definition.inputs.count)")
        }
        for (index, input) in graph.definition.inputs.enumerated() {
            let shape = request.inputs[index]
            let wanted = "[" + input.shape.map(\.description).joined(separator: ", ") + "]"
            guard shape.count == input.shape.count else {
                throw GraphError(.data, "input '\(input.name)' has shape \(shape), wanted \(wanted)")
            }
            for (size, expected) in zip(shape, input.shape) {
                switch expected {
                case .fixed(let value):
                    guard size == value else {
                        throw GraphError(.data, "input '\(input.name)' has shape \(shape), wanted \(wanted)")
                    }
                case .symbol(let name):
                    if let known = symbols[name], known != Int64(size) {
                        throw GraphError(
                            .data, "input '\(input.name)' has shape \(shape), wanted \(wanted) with \(name) = \(known)")
                    }
                    symbols[name] = Int64(size)
                }
            }
            let value = try newValue(
                TensorSpec(dtype: input.dtype, shape: shape.map(Int64.init)), LAMINA_LAYOUT_PLAIN, producer: nil,
                input.name)
            values[value].isGraphInput = true
            values[value].holdsSteps = request.steps?.inputs[index] ?? false
            carrier[index] = value
            inputValues.append(value)
        }
        try checkSteps()
        if let target = request.target, let index = graph.targetValue {
            guard target.shape.count <= LayerInstance.maximumRank else {
                throw GraphError(
                    .data,
                    "the target has rank \(target.shape.count), at most \(LayerInstance.maximumRank) is possible")
            }
            let value = try newValue(
                TensorSpec(dtype: target.dtype, shape: target.shape.map(Int64.init)), LAMINA_LAYOUT_PLAIN,
                producer: nil,
                GraphDefinition.targetName)
            values[value].isGraphInput = true
            carrier[index] = value
            targetValue = value
        }
    }

    /// All inputs in steps have to hold the same number of them for the same number of sequences.
    private func checkSteps() throws(GraphError) {
        guard let steps = request.steps else { return }
        var known: ArraySlice<Int64>?
        for value in inputValues where values[value].holdsSteps {
            let (name, shape) = (values[value].name, values[value].spec.shape)
            guard shape.count >= 2 else {
                throw GraphError(.data, "input '\(name)' has shape \(shape), wanted [N, steps, …]")
            }
            guard shape[1] <= Int64(steps.capacity) else {
                throw GraphError(
                    .data,
                    "input '\(name)' has \(shape[1]) steps, more than the \(steps.capacity) that are wanted at most")
            }
            guard known == nil || known == shape[..<2] else {
                throw GraphError(
                    .data, "input '\(name)' has shape \(shape), wanted \(known![0]) sequences of \(known![1]) steps")
            }
            known = shape[..<2]
        }
        guard known != nil else { throw GraphError(.data, "no input holds steps") }
    }

    private func newValue(
        _ spec: TensorSpec, _ layout: UInt32, producer: Int?, _ name: String
    ) throws(GraphError) -> Int {
        guard let count = spec.count else {
            throw GraphError(
                .memory, "'\(name)' would have shape \(spec.shape): no tensor may have more than 2^40 elements")
        }
        let layout = spec.shape.count >= 3 ? layout : LAMINA_LAYOUT_PLAIN
        values.append(
            Value(spec: spec, layout: layout, bytes: count * spec.dtype.size, producer: producer, name: name))
        return values.count - 1
    }

    /// The nodes on which an output, or the loss if it is wanted, depends.
    private func activeNodes() -> [Bool] {
        var active = [Bool](repeating: false, count: graph.nodes.count)
        var producer: [Int: Int] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for output in 0..<node.outputCount { producer[node.firstOutput + output] = index }
        }
        var stack = graph.outputValues
        if request.target != nil, let loss = graph.lossValue { stack.append(loss) }
        while let value = stack.popLast() {
            guard let index = producer[value], !active[index] else { continue }
            active[index] = true
            stack += graph.nodes[index].inputs.compactMap { $0 }
        }
        return active
    }

    private func add(_ node: Graph.Node, _ index: Int) throws(GraphError) {
        let specs = node.inputs.map { $0.map { values[carrier[$0]!].spec } }
        let inferred: InferredNode
        do {
            inferred = try node.layer.infer(specs)
        } catch {
            throw located(error, node)
        }
        guard inferred.outputs.allSatisfy({ $0.shape.allSatisfy { $0 >= 0 } }), isAsBefore(inferred, node) else {
            throw GraphError(
                .graph, node: node.definition.name,
                "\(node.definition.component) \"\(node.definition.name)\": the input shapes "
                    + "\(specs.compactMap { $0?.shape }) do not fit the model")
        }
        let layout = chooseLayout(node, inferred)
        var inputs: [Int?] = []
        for input in node.inputs {
            inputs.append(try input.map { value throws(GraphError) in try inLayout(carrier[value]!, layout) })
        }
        let operation = operations.count
        operations.append(Operation(kind: .node(index), inputs: inputs, outputs: []))
        connect(inputs, to: operation)
        for (output, spec) in inferred.outputs.enumerated() {
            let value = try newValue(
                spec, layout, producer: operation,
                GraphDefinition.Reference(node.definition.name, output: output).description)
            values[value].holdsSteps = inputs.contains { $0.map { values[$0].holdsSteps } ?? false }
            carrier[node.firstOutput + output] = value
            operations[operation].outputs.append(value)
        }
    }

    /// Whether a layer declares for concrete shapes what it declared for symbolic ones.
    private func isAsBefore(_ inferred: InferredNode, _ node: Graph.Node) -> Bool {
        let owners = [node.definition.name, node.definition.sharesParametersOf]
        return inferred.outputs.count == node.outputCount
            && inferred.outputs.indices.allSatisfy { index in
                let (now, before) = (inferred.outputs[index], graph.values[node.firstOutput + index])
                return now.dtype == before?.dtype && now.shape.count == before?.shape.count
            }
            && inferred.parameters.elementsEqual(node.parameters.map { graph.parameters[$0] }) { now, before in
                now.shape == before.shape && owners.contains { $0.map { "\($0).\(now.name)" } == before.name }
            }
            && inferred.buffers.elementsEqual(node.buffers.map { graph.buffers[$0] }) {
                "\(node.definition.name).\($0.name)" == $1.name && $0.dtype == $1.dtype && $0.shape == $1.shape
            }
    }

    private func connect(_ inputs: [Int?], to operation: Int) {
        for (index, value) in inputs.enumerated() {
            if let value { values[value].consumers.append((operation, index)) }
        }
    }

    /// The preferred layout; without a preference that in which the first input of rank >= 3 comes, if it is accepted.
    private func chooseLayout(_ node: Graph.Node, _ inferred: InferredNode) -> UInt32 {
        let accepted = inferred.acceptedLayouts
        if inferred.preferredLayout != 0, accepted & inferred.preferredLayout != 0 { return inferred.preferredLayout }
        for input in node.inputs.compactMap({ $0 }) {
            let value = values[carrier[input]!]
            guard value.spec.shape.count >= 3 else { continue }
            if accepted & value.layout != 0 { return value.layout }
            break
        }
        return accepted & LAMINA_LAYOUT_PLAIN != 0 || accepted == 0 ? LAMINA_LAYOUT_PLAIN : LAMINA_LAYOUT_CHANNELS_LAST
    }

    /// The value in the wanted layout: itself, or a reordered copy, of which there is one for all readers.
    private func inLayout(_ value: Int, _ layout: UInt32) throws(GraphError) -> Int {
        let source = values[value]
        guard source.spec.shape.count >= 3, source.layout != layout else { return value }
        if let known = reordered[value] { return known }
        let operation = operations.count
        let copy = try newValue(source.spec, layout, producer: operation, source.name)
        values[copy].holdsSteps = source.holdsSteps
        operations.append(Operation(kind: .reorder, inputs: [value], outputs: [copy]))
        connect([value], to: operation)
        reordered[value] = copy
        // The way back is the original.
        reordered[copy] = value
        return copy
    }

    // MARK: Gradients

    private func propagateGradients() {
        guard request.wantsGradients else { return }
        if request.inputGradients {
            for value in inputValues where values[value].spec.dtype == .float32 { values[value].needsGradient = true }
            if let targetValue, values[targetValue].spec.dtype == .float32 { values[targetValue].needsGradient = true }
        }
        for index in operations.indices {
            let operation = operations[index]
            let flows = operation.inputs.contains { $0.map { values[$0].needsGradient } ?? false }
            let trains = wantedParameters(operation).contains(true)
            let outputs = operation.outputs.filter { values[$0].spec.dtype == .float32 }
            guard isDifferentiable(operation), flows || trains, !outputs.isEmpty else { continue }
            operations[index].runsBackward = true
            for output in outputs { values[output].needsGradient = true }
        }
    }

    private func isDifferentiable(_ operation: Operation) -> Bool {
        switch operation.kind {
        case .node(let node): graph.nodes[node].layer.isDifferentiable
        case .reorder: true
        }
    }

    /// Per parameter of the operation's node: is its gradient wanted?
    func wantedParameters(_ operation: Operation) -> [Bool] {
        guard case .node(let node) = operation.kind else { return [] }
        return graph.nodes[node].parameters.map { request.parameterGradients && !graph.parameters[$0].isFrozen }
    }

    func wantsGradient(_ operation: Operation, input: Int) -> Bool {
        operation.runsBackward && (operation.inputs[input].map { values[$0].needsGradient } ?? false)
    }

    func located(_ error: HostError, _ node: Graph.Node) -> GraphError {
        var text = error.description
        let component = node.definition.component
        if text.hasPrefix(component + ": ") { text.removeFirst(component.count + 2) }
        var kind = GraphError.Kind.internal
        if case .failed(let status, _) = error { kind = GraphError.kind(of: status) }
        return GraphError(kind, node: node.definition.name, "\(component) \"\(node.definition.name)\": \(text)")
    }
}
