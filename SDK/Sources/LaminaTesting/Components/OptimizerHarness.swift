import CAllocationCounter
import CLamina
import LaminaFormats
import LaminaSDK

/// An optimizer behind its C vtable, with parameters and states in guarded memory.
///
/// ```swift
/// let sgd = try OptimizerHarness(.optimizer(SGD.self), ["learning_rate": 0.1], parameters: [w])
/// try sgd.step([gradient])
/// #expect(sgd.parameters[0].floats == […])
/// ```
public final class OptimizerHarness {
    private let bound: BoundComponent<lamina_optimizer>
    private let handle: UnsafeMutableRawPointer?
    private let parameterTensors: TensorArray
    private let stateTensors: TensorArray
    /// The state that the optimizer keeps for each parameter.
    public let states: [OptimizerState]
    /// How many steps were made.
    public private(set) var stepCount = 0
    /// The first step may set up what later ones use.
    private var hasStepped = false

    /// Creates the optimizer and its state. Throws `AttributeError` or `CallError`.
    public init(
        _ component: Component, _ attributes: JSONObject = [:], parameters: [TensorValue], host: TestHost = TestHost()
    ) throws {
        bound = try BoundComponent(component, kind: LAMINA_KIND_OPTIMIZER, attributes, host)
        handle = try bound.create(bound.table.pointee.create)
        do {
            states = try Self.declaredStates(bound, handle)
        } catch {
            bound.table.pointee.destroy(handle)
            throw error
        }
        parameterTensors = TensorArray(parameters, names: parameters.indices.map { "parameter \($0)" })
        let states = states
        let initial = parameters.flatMap { parameter in
            states.map { state -> TensorValue in
                state.kind == .scalar
                    ? .filled(.float64, [], state.initial) : .filled(.float32, parameter.shape, state.initial)
            }
        }
        let names = parameters.indices.flatMap { index in states.map { "state '\($0.name)' of parameter \(index)" } }
        stateTensors = TensorArray(initial, names: names)
    }

    deinit { bound.table.pointee.destroy(handle) }

    private static func declaredStates(
        _ bound: BoundComponent<lamina_optimizer>, _ handle: UnsafeMutableRawPointer?
    ) throws(CallError) -> [OptimizerState] {
        final class Sink { var states: [OptimizerState] = [] }
        let sink = Sink()
        let status = bound.table.pointee.declare_state(handle, Unmanaged.passUnretained(sink).toOpaque()) {
            sink, name, kind, initial in
            let sink = Unmanaged<Sink>.fromOpaque(sink!).takeUnretainedValue()
            guard let name, kind == LAMINA_STATE_SCALAR || kind == LAMINA_STATE_LIKE_PARAMETER else {
                return LAMINA_ERROR_INTERNAL
            }
            let text = String(cString: name)
            guard !text.isEmpty, !sink.states.contains(where: { $0.name == text }) else { return LAMINA_ERROR_INTERNAL }
            sink.states.append(.init(text, kind == LAMINA_STATE_SCALAR ? .scalar : .likeParameter, initial: initial))
            return LAMINA_OK
        }
        try bound.finish("declare_state", status)
        return sink.states
    }

    public var parameters: [TensorValue] { parameterTensors.values }

    /// The states, those of one parameter beside each other; setting them is what resuming does.
    public var stateValues: [TensorValue] {
        get { stateTensors.values }
        set { for (index, value) in newValue.enumerated() { stateTensors.store(value, at: index) } }
    }

    /// Goes on as if `count` steps had been made, after `stateValues` were set.
    public func resume(after count: Int) { stepCount = count }

    /// One step. Throws `CallError`, also when the optimizer writes where it must not.
    public func step(
        _ gradients: [TensorValue], learningRateFactor: Double = 1, gradientScale: Double = 1,
        clipValue: Double = .infinity
    ) throws {
        stepCount += 1
        let gradientTensors = TensorArray(gradients, names: gradients.indices.map { "gradient \($0)" })
        let watched = WatchedTensors.readOnly(gradientTensors)
        var step = lamina_optimizer_step()
        step.struct_size = UInt32(MemoryLayout<lamina_optimizer_step>.size)
        step.parameter_count = Int32(parameterTensors.count)
        step.state_count = Int32(states.count)
        step.parameters = UnsafePointer(parameterTensors.raw)
        step.gradients = UnsafePointer(gradientTensors.raw)
        step.states = UnsafePointer(stateTensors.raw)
        step.step = UInt64(stepCount)
        step.learning_rate_factor = learningRateFactor
        step.gradient_scale = gradientScale
        step.clip_value = clipValue
        let allocations = lamina_thread_allocation_count()
        let status = bound.table.pointee.step(handle, &step)
        let allocated = lamina_thread_allocation_count() - allocations
        if hasStepped, status == LAMINA_OK, allocated > 0 {
            throw CallError(
                call: "step", status: LAMINA_ERROR_INTERNAL, text: "calls malloc \(allocated) times, wanted none",
                argument: -1)
        }
        hasStepped = true
        try bound.finish("step", status, watched, .written(parameterTensors), .written(stateTensors))
    }
}
