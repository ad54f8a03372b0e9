import CLamina
import Glibc
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// One of the networks that a procedure trains: described from the start, with values, passes and an optimizer later.
final class TrainedNetwork {
    let name: String
    let graph: Graph
    /// nil: the recipe names none, and `update` is refused.
    let optimizerRecipe: Recipe.Optimizer?
    let raw: UnsafePointer<lamina_network>
    private(set) var network: Network?
    /// Of its derivatives along a direction; made when a pass wants it.
    private var tangent: Network?
    private(set) var passes: [NetworkPass] = []
    private(set) var optimizer: OptimizerDriver?
    /// Steps of the optimizer.
    private(set) var updates: UInt64 = 0
    private var schedule: ScheduleDriver?
    private let memory: UnsafeMutablePointer<lamina_network>
    /// Of inputs and of outputs.
    private let ports: [UnsafeMutablePointer<lamina_port_shape>]
    private let parameters: DescriptorArray

    init(_ name: String, _ graph: Graph, optimizer: Recipe.Optimizer?) throws(TrainingError) {
        (self.name, self.graph, optimizerRecipe) = (name, graph, optimizer)
        parameters = DescriptorArray(count: graph.parameters.count)
        for (index, parameter) in graph.parameters.enumerated() {
            parameters.describe(index, TensorSpec(dtype: .float32, shape: parameter.shape.map(Int64.init)))
        }
        let definition = graph.definition
        let inputTable = Self.ports(definition.inputs.map { ($0.name, $0.dtype, $0.shape) })
        let outputTable = Self.ports(graph.outputSignature)
        ports = [inputTable, outputTable]
        memory = .allocate(capacity: 1)
        memory.initialize(
            to: lamina_network(
                struct_size: UInt32(MemoryLayout<lamina_network>.size), input_count: Int32(definition.inputs.count),
                output_count: Int32(definition.outputs.count), parameter_count: Int32(graph.parameters.count),
                name: strdup(name), inputs: inputTable, outputs: outputTable, parameters: parameters.base))
        raw = UnsafePointer(memory)
    }

    deinit {
        let counts = [memory.pointee.input_count, memory.pointee.output_count]
        for (table, count) in zip(ports, counts) {
            for index in 0..<Int(count) {
                free(UnsafeMutablePointer(mutating: table[index].name))
                UnsafeMutablePointer(mutating: table[index].shape)?.deallocate()
            }
            table.deallocate()
        }
        free(UnsafeMutablePointer(mutating: memory.pointee.name))
        memory.deallocate()
    }

    private static func ports(
        _ ports: [(name: String, dtype: DataType, shape: [GraphDefinition.Size])]
    ) -> UnsafeMutablePointer<lamina_port_shape> {
        let table = UnsafeMutablePointer<lamina_port_shape>.allocate(capacity: max(ports.count, 1))
        for (index, port) in ports.enumerated() {
            let sizes = port.shape.dropFirst().map { size -> Int64 in
                if case .fixed(let value) = size { Int64(value) } else { -1 }
            }
            let shape = UnsafeMutablePointer<Int64>.allocate(capacity: max(sizes.count, 1))
            for (axis, size) in sizes.enumerated() { shape[axis] = size }
            (table + index).initialize(
                to: lamina_port_shape(
                    name: strdup(port.name), dtype: port.dtype.raw, rank: Int32(sizes.count), shape: shape))
        }
        return table
    }

    /// Binds the values that it trains.
    func attach(_ network: Network) throws(TrainingError) {
        self.network = network
        for (index, entry) in network.parameters.entries.prefix(parameters.count).enumerated() {
            parameters.base[index].data = entry.data
        }
        schedule = try optimizerRecipe?.schedule.map { schedule throws(TrainingError) in
            try ScheduleDriver(schedule, registry: graph.registry)
        }
    }

    private func attached() throws(TrainingError) -> Network {
        guard let network else { throw TrainingError(.internal, "network '\(name)' cannot be run yet") }
        return network
    }

    /// The network that a pass runs on.
    private func network(tangent isTangent: Bool) throws(TrainingError) -> Network {
        let network = try attached()
        guard isTangent else { return network }
        if let tangent { return tangent }
        do {
            let made = try network.tangent()
            tangent = made
            return made
        } catch {
            throw TrainingError(error).inNetwork(name)
        }
    }

    func plan(_ number: Int, batch: Int, flags: UInt32) throws(TrainingError) -> NetworkPass {
        func has(_ flag: UInt32) -> Bool { flags & flag != 0 }
        let network = try network(tangent: has(LAMINA_PASS_TANGENT))
        let shapes = try network.graph.definition.inputs.map { input throws(TrainingError) -> [Int] in
            try input.shape.map { size throws(TrainingError) -> Int in
                switch size {
                case .fixed(let value): return value
                case .symbol(Recipe.batchDimension): return batch
                case .symbol(let name):
                    throw TrainingError(
                        .recipe,
                        "network '\(self.name)': input '\(input.name)' has an open dimension \(name), which a procedure cannot "
                            + "know; give it a size")
                }
            }
        }
        let request = PlanRequest(
            inputs: shapes, phase: has(LAMINA_PASS_TRAINING) ? .training : .inference,
            parameterGradients: has(LAMINA_PASS_PARAMETER_GRADIENTS), inputGradients: has(LAMINA_PASS_INPUT_GRADIENTS),
            accumulates: has(LAMINA_PASS_ACCUMULATES),
            takesOutputGradients: has(LAMINA_PASS_PARAMETER_GRADIENTS) || has(LAMINA_PASS_INPUT_GRADIENTS))
        let pass: NetworkPass
        do {
            pass = NetworkPass(of: number, network, try network.plan(request))
        } catch {
            throw TrainingError(error).inNetwork(name)
        }
        try check(pass, batch: batch)
        // A larger one has moved the memory.
        for pass in passes { pass.bind() }
        passes.append(pass)
        return pass
    }

    /// Procedures write a row of gradients per sample, for something that learns by them.
    private func check(_ pass: NetworkPass, batch: Int) throws(TrainingError) {
        let plan = pass.plan
        let outputs = pass.network.graph.definition.outputs
        for (output, tensor) in zip(outputs, plan.outputs) where tensor.shape.first != batch {
            throw TrainingError(
                .recipe,
                "network '\(name)': output '\(output.name)' has shape \(tensor.shape) for \(batch) samples; wanted one row per sample, "
                    + "[\(batch), …]")
        }
        if plan.request.takesOutputGradients, Set(outputs.map(\.reference)).count < outputs.count {
            throw TrainingError(
                .recipe,
                "network '\(name)' has one value as several outputs, which cannot have gradients of their own; name it once"
            )
        }
        guard plan.request.takesOutputGradients, plan.outputGradients.allSatisfy({ $0 == nil }) else { return }
        throw TrainingError(
            .recipe,
            plan.request.parameterGradients
                ? "network '\(name)' has nothing to train: its outputs depend on no parameter that is not frozen"
                : "network '\(name)': its outputs do not depend on its inputs in a way that has gradients")
    }

    /// Makes the optimizer, for which the gradients have to have memory; once.
    @discardableResult
    func prepareOptimizer() throws(TrainingError) -> OptimizerDriver {
        if let optimizer { return optimizer }
        guard let optimizerRecipe else {
            throw TrainingError(
                .recipe, "network '\(name)' has no optimizer: write one beside its layers, or for all beside 'networks'"
            )
        }
        let network = try attached()
        guard network.parameterGradients.count == graph.parameters.count else {
            throw TrainingError(
                .internal,
                "network '\(name)' cannot be updated: no pass with parameter gradients is planned, which the procedure's start "
                    + "and restore have to do (a bug of the plugin)")
        }
        let new = try OptimizerDriver(optimizerRecipe, network)
        optimizer = new
        return new
    }

    /// What the schedule makes of the learning rate.
    func learningRateFactor(step: UInt64, stepsPerEpoch: Int, epochs: Int) throws(TrainingError) -> Double {
        try schedule?.factor(
            step: step, stepsPerEpoch: UInt64(stepsPerEpoch), totalSteps: UInt64(stepsPerEpoch * epochs)) ?? 1
    }

    func update(learningRateFactor: Double) throws(TrainingError) {
        let optimizer = try prepareOptimizer()
        do {
            try optimizer.step(updates + 1, learningRateFactor: learningRateFactor)
        } catch {
            throw error.inNetwork(name)
        }
        updates += 1
    }

    /// Goes on from a checkpoint, which holds states of the optimizer if there were updates: for them it has to be there.
    func resume(updates: UInt64) throws(TrainingError) {
        if updates > 0 { try prepareOptimizer() }
        self.updates = updates
    }
}

extension TrainingError {
    func inNetwork(_ name: String) -> TrainingError { TrainingError(kind, "network '\(name)': \(text)") }
}
