import CLamina
import LaminaSDK

/// Writes the descriptors that a plan's calls are handed, and remembers what has to point where.
struct PlanAssembler {
    typealias TensorPointer = UnsafeMutablePointer<lamina_tensor>

    /// The finished tables; owns their memory.
    final class Result {
        fileprivate(set) var steps: [PlanStep] = []
        fileprivate(set) var arenaTensors: [(TensorPointer, Int)] = []
        fileprivate(set) var arenaPointers: [(UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int)] = []
        fileprivate(set) var parameterTensors: [(Int, TensorPointer)] = []
        fileprivate(set) var bufferTensors: [(Int, TensorPointer)] = []
        fileprivate(set) var gradientTensors: [(Int, TensorPointer)] = []
        fileprivate var persistent: [AlignedMemory] = []
        fileprivate var pointerBlocks: [UnsafeMutablePointer<UnsafeMutableRawPointer?>] = []
        fileprivate let descriptors: DescriptorArray

        fileprivate init(_ descriptors: DescriptorArray) { self.descriptors = descriptors }
        deinit { pointerBlocks.forEach { $0.deallocate() } }
    }

    private let builder: PlanBuilder
    private let liveness: Liveness
    private let layout: ArenaLayout
    /// Complete after the last step.
    let built: Result
    private var used = 0
    private var valueTensors: [Int: TensorPointer] = [:]
    private var gradientTensors: [Int: TensorPointer] = [:]

    init(_ builder: PlanBuilder, _ liveness: Liveness, _ layout: ArenaLayout) {
        self.builder = builder
        self.liveness = liveness
        self.layout = layout
        var count = 2 * builder.values.count
        for operation in builder.operations {
            let parameters = builder.wantedParameters(operation).count
            var buffers = 0
            if case .node(let node) = operation.kind { buffers = builder.graph.nodes[node].buffers.count }
            // Forward and backward tables, gradients, and targets of additions.
            count += 4 * operation.inputs.count + 3 * operation.outputs.count + 3 * parameters + buffers
        }
        built = Result(DescriptorArray(count: count))
    }

    func result() -> Result {
        precondition(used <= built.descriptors.count, "the descriptor table is too small")
        return built
    }

    // MARK: Single tensors

    private mutating func take(_ count: Int) -> Int {
        defer { used += count }
        return used
    }

    private func describe(
        _ index: Int, _ value: Int?, buffer: Int?, flags: UInt32 = 0
    ) {
        let spec = value.map { builder.values[$0].spec }
        built.descriptors.describe(
            index, spec, layout: value.map { builder.values[$0].layout } ?? LAMINA_LAYOUT_PLAIN, flags: flags)
        if let buffer { built.arenaTensors.append((built.descriptors.base + index, layout.offsets[buffer])) }
    }

    /// The descriptor through which callers see a value.
    mutating func value(_ value: Int) -> TensorPointer {
        if let known = valueTensors[value] { return known }
        let index = take(1)
        describe(index, value, buffer: liveness.valueBuffer[value])
        valueTensors[value] = built.descriptors.base + index
        return built.descriptors.base + index
    }

    /// The descriptor of a value's gradient, which has to exist.
    mutating func gradient(_ value: Int) -> TensorPointer {
        if let known = gradientTensors[value] { return known }
        let index = take(1)
        describe(index, value, buffer: liveness.gradientBuffer[value]!)
        gradientTensors[value] = built.descriptors.base + index
        return built.descriptors.base + index
    }

    // MARK: Steps

    mutating func addStep(_ index: Int) throws(GraphError) {
        let operation = builder.operations[index]
        let step: PlanStep
        var run = lamina_run()
        run.struct_size = UInt32(MemoryLayout<lamina_run>.size)
        run.phase = builder.request.phase == .training ? LAMINA_PHASE_TRAINING : LAMINA_PHASE_INFERENCE
        switch operation.kind {
        case .node(let node):
            let definition = builder.graph.nodes[node].definition
            step = PlanStep(
                name: definition.name, component: definition.component, planned: operation.planned,
                stream: builder.graph.nodes[node].stream, runsBackward: operation.runsBackward,
                outputCount: operation.outputs.count)
            addParameters(node, &run)
        case .reorder:
            step = PlanStep(
                name: builder.values[operation.outputs[0]].name, component: "layout change", planned: nil, stream: 0,
                runsBackward: operation.runsBackward, outputCount: 1)
            let source = builder.values[operation.inputs[0]!]
            if liveness.valueBuffer[operation.inputs[0]!] != liveness.valueBuffer[operation.outputs[0]] {
                step.reorder = Reorder(source.spec, from: source.layout)
            }
        }
        let life = liveness
        let outputs = operation.outputs.map { Optional($0) }
        run.inputs = UnsafePointer(table(operation.inputs, LAMINA_TENSOR_READ_ONLY) { life.valueBuffer[$1] })
        run.outputs = UnsafePointer(table(outputs, 0) { life.valueBuffer[$1] })
        step.cache = operation.needs.cache
        step.takesSteps = operation.needs.takesSteps
        try addOwnMemory(index, operation, step, &run)
        step.forwardRun.pointee = run
        if let workspace = liveness.forwardWorkspace[index] { point(step.forwardRun, at: workspace) }
        guard operation.runsBackward else {
            built.steps.append(step)
            return
        }
        // In backward a layer sees only what it has asked for.
        let needs = operation.needs
        run.inputs = UnsafePointer(
            table(operation.inputs, LAMINA_TENSOR_READ_ONLY) {
                needs.savedInputs.contains($0) ? life.valueBuffer[$1] : nil
            })
        run.outputs = UnsafePointer(
            table(outputs, LAMINA_TENSOR_READ_ONLY) { needs.savedOutputs.contains($0) ? life.valueBuffer[$1] : nil })
        addGradients(index, operation, step, &run)
        step.backwardRun.pointee = run
        if let workspace = liveness.backwardWorkspace[index] { point(step.backwardRun, at: workspace) }
        built.steps.append(step)
    }

    /// Lets each root call those that follow its output, in their order.
    func connectFollowers() {
        for index in builder.operations.indices where builder.operations[index].root == nil {
            let followers = builder.operations.indices.filter { builder.operations[$0].root == index }
            if !followers.isEmpty { built.steps[index].follow(followers.map { built.steps[$0] }) }
        }
    }

    private mutating func table(_ ids: [Int?], _ flags: UInt32, _ buffer: (Int, Int) -> Int?) -> TensorPointer {
        let first = take(ids.count)
        for (index, value) in ids.enumerated() {
            describe(first + index, value, buffer: value.flatMap { buffer(index, $0) }, flags: flags)
        }
        return built.descriptors.base + first
    }

    private func point(_ run: UnsafeMutablePointer<lamina_run>, at buffer: Int) {
        let field = UnsafeMutableRawPointer(run) + MemoryLayout<lamina_run>.offset(of: \.workspace)!
        built.arenaPointers.append(
            (field.assumingMemoryBound(to: UnsafeMutableRawPointer?.self), layout.offsets[buffer]))
    }

    private mutating func addParameters(_ node: Int, _ run: inout lamina_run) {
        let graph = builder.graph
        let parameters = graph.nodes[node].parameters
        let first = take(parameters.count)
        for (position, parameter) in parameters.enumerated() {
            built.descriptors.describe(first + position, parameterSpec(parameter), flags: LAMINA_TENSOR_READ_ONLY)
            built.parameterTensors.append((parameter, built.descriptors.base + first + position))
        }
        run.parameters = UnsafePointer(built.descriptors.base + first)
        let buffers = graph.nodes[node].buffers
        let firstBuffer = take(buffers.count)
        for (position, buffer) in buffers.enumerated() {
            let spec = TensorSpec(
                dtype: graph.buffers[buffer].dtype, shape: graph.buffers[buffer].shape.map(Int64.init))
            built.descriptors.describe(firstBuffer + position, spec)
            built.bufferTensors.append((buffer, built.descriptors.base + firstBuffer + position))
        }
        run.buffers = UnsafePointer(built.descriptors.base + firstBuffer)
    }

    private func parameterSpec(_ parameter: Int) -> TensorSpec {
        TensorSpec(dtype: .float32, shape: builder.graph.parameters[parameter].shape.map(Int64.init))
    }

    private func addOwnMemory(
        _ index: Int, _ operation: PlanBuilder.Operation, _ step: PlanStep, _ run: inout lamina_run
    ) throws(GraphError) {
        let saved = liveness.savedBuffers[index]
        let pointers = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: max(saved.count, 1))
        pointers.initialize(repeating: nil, count: max(saved.count, 1))
        built.pointerBlocks.append(pointers)
        for (position, buffer) in saved.enumerated() {
            built.arenaPointers.append((pointers + position, layout.offsets[buffer]))
        }
        run.saved = UnsafePointer(pointers)
        if operation.needs.persistentBytes > 0 {
            let memory = try AlignedMemory(bytes: operation.needs.persistentBytes, purpose: "'\(step.name)'")
            built.persistent.append(memory)
            run.persistent = memory.base
        }
    }

    private mutating func addGradients(
        _ index: Int, _ operation: PlanBuilder.Operation, _ step: PlanStep, _ run: inout lamina_run
    ) {
        let firstOutput = take(operation.outputs.count)
        for (position, value) in operation.outputs.enumerated() {
            if let buffer = liveness.gradientBuffer[value] {
                describe(firstOutput + position, value, buffer: buffer, flags: LAMINA_TENSOR_READ_ONLY)
            } else {
                describe(firstOutput + position, nil, buffer: nil)
            }
        }
        run.output_gradients = UnsafePointer(built.descriptors.base + firstOutput)
        step.zeroed = liveness.zeroed[index].map { gradient($0) }
        addInputGradients(index, operation, step, &run)
        if case .node(let node) = operation.kind { addParameterGradients(index, node, operation, step, &run) }
    }

    private mutating func addInputGradients(
        _ index: Int, _ operation: PlanBuilder.Operation, _ step: PlanStep, _ run: inout lamina_run
    ) {
        let first = take(operation.inputs.count)
        for (position, value) in operation.inputs.enumerated() {
            let tensor = first + position
            switch liveness.deliveries[index][position] {
            case .unwanted: describe(tensor, nil, buffer: nil)
            case .overwrites: describe(tensor, value, buffer: liveness.gradientBuffer[value!]!)
            case .accumulates:
                describe(tensor, value, buffer: liveness.gradientBuffer[value!]!, flags: LAMINA_TENSOR_ACCUMULATE)
                step.reorderAddsGradient = true
            case .added(let temporary):
                describe(tensor, value, buffer: temporary)
                step.additions.append(
                    .init(
                        source: built.descriptors.base + tensor, target: gradient(value!),
                        count: builder.values[value!].spec.count!, isFirst: false))
            }
        }
        run.input_gradients = UnsafePointer(built.descriptors.base + first)
    }

    private mutating func addParameterGradients(
        _ index: Int, _ node: Int, _ operation: PlanBuilder.Operation, _ step: PlanStep, _ run: inout lamina_run
    ) {
        let parameters = builder.graph.nodes[node].parameters
        let wanted = builder.wantedParameters(operation)
        let first = take(parameters.count)
        for (position, parameter) in parameters.enumerated() {
            let tensor = built.descriptors.base + first + position
            guard wanted[position] else {
                built.descriptors.describe(first + position, nil)
                continue
            }
            let isFirst = liveness.isFirstContribution[index][position]
            let spec = parameterSpec(parameter)
            if let temporary = liveness.parameterTemporaries[index][position] {
                built.descriptors.describe(first + position, spec)
                built.arenaTensors.append((tensor, layout.offsets[temporary]))
                let target = take(1)
                built.descriptors.describe(target, spec)
                built.gradientTensors.append((parameter, built.descriptors.base + target))
                step.additions.append(
                    .init(source: tensor, target: built.descriptors.base + target, count: spec.count!, isFirst: isFirst)
                )
            } else {
                built.descriptors.describe(first + position, spec, flags: isFirst ? 0 : LAMINA_TENSOR_ACCUMULATE)
                built.gradientTensors.append((parameter, tensor))
                if isFirst { step.firstContributions.append(tensor) }
            }
        }
        run.parameter_gradients = UnsafePointer(built.descriptors.base + first)
    }
}
