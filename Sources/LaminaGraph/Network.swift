import CLamina
import CLaminaMath
import Glibc
import LaminaHost
import LaminaSDK

/// A graph with its parameters and the memory to run it: plans per shape, forward, backward.
///
/// Plans share one block of memory: results of one are valid until another one runs. Not for use from several threads
/// at once. After the first run of a plan nothing is allocated.
public final class Network: @unchecked Sendable {
    public let graph: Graph
    public let parameters: ParameterStore
    /// Gradient of each parameter, by index; present once a plan with parameter gradients was made.
    public var parameterGradients: [UnsafeMutablePointer<Float>] { gradients.pointers }
    let gradients: ParameterGradients
    private var arena: AlignedMemory?
    private var cache: [(request: PlanRequest, plan: Plan)] = []
    /// Texts come in many lengths. Beyond the smaller number only plans that keep little memory to themselves stay.
    private static let cacheSize = (least: 16, most: 64)
    private static let cacheBytes = 64 << 20
    /// Collects the time of every call while it is set; for the plan that it was made for.
    public var profile: StepProfile?

    public convenience init(_ graph: Graph, _ parameters: ParameterStore) {
        precondition(parameters.graph === graph)
        self.init(graph, parameters, ParameterGradients())
    }

    /// With the values and gradients of another graph that has the same parameters and buffers, index by index.
    init(_ graph: Graph, _ parameters: ParameterStore, _ gradients: ParameterGradients) {
        self.graph = graph
        self.parameters = parameters
        self.gradients = gradients
    }

    private var runtime: Runtime { graph.runtime }

    /// The plan for a request, from the cache if it was made before.
    public func plan(_ request: PlanRequest) throws(GraphError) -> Plan {
        if let index = cache.firstIndex(where: { $0.request == request }) {
            let plan = cache[index].plan
            if index > 0 { cache.insert(cache.remove(at: index), at: 0) }
            bind(plan)
            return plan
        }
        if request.target != nil, !graph.hasLoss {
            throw GraphError(.graph, "the model has no loss: name one in the recipe")
        }
        precondition(request.target == nil || !request.takesOutputGradients, "a loss has its own gradient")
        let plan = try Plan(graph, request)
        if request.parameterGradients { try gradients.make(graph) }
        if arena.map({ $0.bytes < plan.arenaBytes }) ?? true {
            // The old one stays if there is no memory for the new one: other plans point into it.
            arena = try AlignedMemory(bytes: plan.arenaBytes, purpose: "activations")
        }
        cache.insert((request, plan), at: 0)
        while cache.count > Self.cacheSize.most
            || (cache.count > Self.cacheSize.least
                && cache.reduce(0, { $0 + $1.plan.persistentBytes }) > Self.cacheBytes)
        {
            cache.removeLast()
        }
        bind(plan)
        return plan
    }

    /// Points a plan that the caller has kept into the memory that the network has now; fill its inputs afterwards.
    ///
    /// Another plan in between may have needed more memory than there was, and the old memory is gone.
    public func bind(_ plan: Plan) {
        guard let base = arena?.base, plan.boundBase != base || plan.boundVersion != parameters.bindingVersion else {
            return
        }
        plan.bind(to: base, parameters, parameterGradients.map { UnsafeMutableRawPointer($0) })
        plan.boundVersion = parameters.bindingVersion
    }

    /// Tells plans that parameter values have changed, so that prepacked ones are made anew.
    public func parametersChanged() { parameters.version += 1 }

    // MARK: Running

    /// Runs the forward calls on what the plan's inputs hold.
    ///
    /// - Parameters:
    ///   - seed: of all random streams (dropout); the node's name and `step` choose the rest.
    ///   - step: a number that differs between steps, below 2²⁴.
    ///   - cache: what layers keep of the steps before, for plans in steps.
    public func forward(
        _ plan: Plan, seed: UInt64 = 0, step: UInt64 = 0, cache: StepCache? = nil
    ) throws(GraphError) {
        try begin(plan)
        try cache?.bind(plan)
        defer { cache?.unbind(plan) }
        if let profile {
            for (index, operation) in plan.steps.enumerated() {
                try profile.time(forward: index) { () throws(GraphError) in try run(operation, seed, step) }
            }
            cache?.advance(plan)
            return
        }
        for operation in plan.steps { try run(operation, seed, step) }
        cache?.advance(plan)
    }

    /// Runs forward and returns the name of the first node with an output that is not finite; nil if there is none.
    public func firstNonFinite(_ plan: Plan, seed: UInt64 = 0, step: UInt64 = 0) throws(GraphError) -> String? {
        try begin(plan)
        for input in plan.inputs where input.dtype == .float32 && !isFinite(input.floats, input.count) {
            return "input '\(input.name)'"
        }
        // Followers would overwrite what they follow before it is looked at.
        for operation in plan.steps.filter({ !$0.follows }).flatMap({ [$0] + $0.followingSteps }) {
            for (parameter, name) in operation.parameterTensors(graph) where !isFinite(parameter) {
                return "parameter '\(name)'"
            }
            let finished = operation.forwardRun.pointee.finished
            operation.forwardRun.pointee.finished = nil
            defer { operation.forwardRun.pointee.finished = finished }
            try call(operation, seed, step)
            for output in 0..<operation.outputCount {
                let tensor = operation.forwardRun.pointee.outputs + output
                if !isFinite(Tensor(tensor)) { return "\(operation.component) \"\(operation.name)\"" }
            }
        }
        return nil
    }

    private func isFinite(_ tensor: Tensor) -> Bool {
        tensor.dtype != .float32 || !tensor.hasData || isFinite(tensor.floats, tensor.count)
    }

    private func isFinite(_ values: UnsafePointer<Float>, _ count: Int) -> Bool {
        // The exponent bits of an infinity or a NaN are all ones.
        UnsafeBufferPointer(start: values, count: count).allSatisfy { $0.isFinite }
    }

    private func begin(_ plan: Plan) throws(GraphError) {
        // Running statistics are written by forward, parameters by whoever asked for their gradients.
        if plan.request.phase == .training, plan.request.parameterGradients || !graph.buffers.isEmpty {
            try parameters.checkWritable()
        }
        bind(plan)
        try prepare(plan)
    }

    private func prepare(_ plan: Plan) throws(GraphError) {
        guard plan.request.phase == .inference, plan.preparedVersion != parameters.version else { return }
        for operation in plan.steps {
            guard let prepare = operation.prepare, let planned = operation.planned else { continue }
            try check(prepare(planned.handle, operation.forwardRun), operation)
        }
        plan.preparedVersion = parameters.version
    }

    @inline(__always)
    private func run(_ operation: PlanStep, _ seed: UInt64, _ step: UInt64) throws(GraphError) {
        if operation.follows { return }
        for follower in operation.followingSteps { follower.setRandom(seed, step) }
        try call(operation, seed, step)
    }

    @inline(__always)
    private func call(_ operation: PlanStep, _ seed: UInt64, _ step: UInt64) throws(GraphError) {
        let run = operation.forwardRun
        if let forward = operation.forward {
            operation.setRandom(seed, step)
            let status = forward(operation.planned.unsafelyUnwrapped.handle, run)
            if status != LAMINA_OK { try check(status, operation) }
        } else if let reorder = operation.reorder {
            reorder.run(run.pointee.inputs.pointee.data, run.pointee.outputs.pointee.data, adds: false, runtime)
        }
    }

    /// Runs the backward calls of the step whose forward ran last, from what the caller has written to the plan's
    /// `outputGradients`, or else from the loss.
    ///
    /// - Parameter accumulating: add to the parameter gradients of earlier batches instead of replacing them; the plan has
    ///   to have been requested with `accumulates`.
    public func backward(_ plan: Plan, seed: UInt64 = 0, step: UInt64 = 0, accumulating: Bool = false)
        throws(GraphError)
    {
        precondition(plan.request.wantsGradients, "the plan has no gradients")
        precondition(!accumulating || plan.request.accumulates, "the plan does not accumulate")
        bind(plan)
        for seed in plan.seeds {
            let tensor = Tensor(seed.gradient)
            tensor.floats.update(repeating: seed.value, count: tensor.count)
        }
        if !accumulating {
            for (parameter, count) in plan.untouchedParameters {
                parameterGradients[parameter].update(repeating: 0, count: count)
            }
        }
        if let profile {
            for (index, operation) in plan.steps.enumerated().reversed() where operation.runsBackward {
                try profile.time(backward: index) { () throws(GraphError) in
                    try runBackward(operation, seed, step, accumulating)
                }
            }
            return
        }
        for operation in plan.steps.reversed() where operation.runsBackward {
            try runBackward(operation, seed, step, accumulating)
        }
    }

    private func runBackward(
        _ operation: PlanStep, _ seed: UInt64, _ step: UInt64, _ accumulating: Bool
    ) throws(GraphError) {
        for zeroed in operation.zeroed {
            let tensor = Tensor(zeroed)
            memset(tensor.bytes, 0, tensor.count * 4)
        }
        let run = operation.backwardRun
        guard let backward = operation.backward else {
            if let reorder = operation.reorder {
                reorder.transposed.run(
                    run.pointee.output_gradients.pointee.data, run.pointee.input_gradients.pointee.data,
                    adds: operation.reorderAddsGradient, runtime)
            } else {
                try passGradientOn(operation)
            }
            return
        }
        for first in operation.firstContributions {
            first.pointee.flags =
                accumulating
                ? first.pointee.flags | LAMINA_TENSOR_ACCUMULATE : first.pointee.flags & ~LAMINA_TENSOR_ACCUMULATE
        }
        run.pointee.random = lamina_random(seed: seed, stream: operation.stream, offset: step << 40)
        let status = backward(operation.planned.unsafelyUnwrapped.handle, run)
        if status != LAMINA_OK { try check(status, operation) }
        for addition in operation.additions {
            if addition.isFirst, !accumulating {
                memcpy(addition.target.pointee.data, addition.source.pointee.data, addition.count * 4)
            } else {
                add(addition.source.pointee.data, to: addition.target.pointee.data, addition.count)
            }
        }
    }

    /// The backward of a layout change between equal bytes.
    private func passGradientOn(_ operation: PlanStep) throws(GraphError) {
        let run = operation.backwardRun.pointee
        let from = Tensor(run.output_gradients)
        let to = Tensor(run.input_gradients)
        if to.isAbsent || from.raw.pointee.data == to.raw.pointee.data { return }
        if to.accumulates {
            add(from.bytes, to: to.bytes, to.count)
        } else {
            memcpy(to.bytes, from.bytes, to.count * 4)
        }
    }

    private struct AddJob {
        var source: UnsafePointer<Float>
        var target: UnsafeMutablePointer<Float>
    }

    private func add(_ source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, _ count: Int) {
        var job = AddJob(
            source: UnsafePointer(source.assumingMemoryBound(to: Float.self)),
            target: target.assumingMemoryBound(to: Float.self))
        withUnsafeMutablePointer(to: &job) { job in
            runtime.parallelFor(count: count, grain: 32768, context: job) { context, begin, end in
                let job = context!.assumingMemoryBound(to: AddJob.self).pointee
                for index in Int(begin)..<Int(end) { job.target[index] += job.source[index] }
            }
        }
    }

    private func check(_ status: lamina_status, _ operation: PlanStep) throws(GraphError) {
        do {
            try runtime.check(status, "\(operation.component) \"\(operation.name)\"")
        } catch {
            throw GraphError(GraphError.kind(of: status), node: operation.name, error.description)
        }
    }
}

extension PlanStep {
    /// The parameters that the step reads, with their names.
    func parameterTensors(_ graph: Graph) -> [(Tensor, String)] {
        guard let node = graph.nodes.first(where: { $0.definition.name == name }), planned != nil else { return [] }
        return node.parameters.enumerated().map { position, parameter in
            (Tensor(forwardRun.pointee.parameters + position), graph.parameters[parameter].name)
        }
    }
}
