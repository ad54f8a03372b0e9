import CLamina

/// A differentiable operation: conform, list it in the plugin's catalogue, and the SDK makes the vtable.
///
/// The host calls `init`, then `infer` (shapes only), then `plan` once per set of concrete shapes; what `plan` returns
/// runs `forward` and `backward`. A layer without state per plan conforms to `PlannedLayer` too and returns itself.
public protocol Layer: ComponentType {
    /// The inputs in order; one required "input" unless declared.
    static var inputs: [Port] { get }

    /// For a loss: the id of the layer that turns its input into predictions, such as the softmax; nil: they are predictions.
    static var link: String? { get }

    /// Takes the attributes that the host has validated against `attributes`; throws when they contradict each other.
    init(_ attributes: Attributes) throws

    /// Declares outputs, parameters and buffers from the input shapes, of which dimensions may be symbolic.
    func infer(_ inference: Inference) throws

    /// Declares what concrete shapes need (saved tensors, workspace, in-place) and prepares for them.
    func plan(_ planning: Planning) throws -> any PlannedLayer
}

extension Layer {
    public static var inputs: [Port] { [Port("input")] }
    public static var link: String? { nil }
}

/// A layer for one set of shapes. `forward` and `backward` allocate nothing.
public protocol PlannedLayer {
    /// Inference phase only: called before the first forward and whenever parameters or buffers have changed.
    func prepare(_ run: Run) throws
    func forward(_ run: Run) throws
    /// Computes elements of the output, in the order of memory; only of plans that called `allowRanges`. Where the plan
    /// announces its output, too, `run.finished` has to be called here as in the whole forward.
    func forward(_ run: Run, _ range: Range<Int>)
    /// Computes every gradient that is not absent; adds where `accumulates` is set, otherwise overwrites.
    func backward(_ run: Run) throws
}

extension PlannedLayer {
    public func prepare(_ run: Run) throws {}
    public func forward(_ run: Run, _ range: Range<Int>) {
        fatalError("\(Self.self) allows ranges in plan: give it forward(_:_:), which computes them")
    }
}

/// The shape rule's view: input types and shapes in, outputs, parameters and buffers out.
public struct Inference {
    public let raw: UnsafePointer<lamina_inference>
    public let host: Host

    public var inputCount: Int { Int(raw.pointee.input_count) }
    public func input(_ index: Int) -> Tensor { Tensor(raw.pointee.inputs + index) }
    public func isConnected(_ index: Int) -> Bool { index < inputCount && !input(index).isAbsent }

    /// The shape of an input; dimensions may be symbolic.
    public func shape(_ index: Int) -> [Dimension] {
        let tensor = input(index)
        return (0..<tensor.rank).map { Dimension(tensor.raw.pointee.shape[$0]) }
    }

    public func dtype(_ index: Int) throws -> DataType {
        guard let type = input(index).dtype else {
            throw PluginError.type("input \(index) has an element type that this SDK does not know", input: index)
        }
        return type
    }

    /// Fails unless input `index` has one of `types`.
    public func require(_ index: Int, _ types: DataType...) throws {
        let got = try dtype(index)
        guard !types.contains(got) else { return }
        let wanted = types.map(\.name).joined(separator: " or ")
        throw PluginError.type("input \(index) has type \(got.name), wanted \(wanted)", input: index)
    }

    /// The number that a dimension has to be at this stage, because a parameter's shape depends on it.
    public func literal(_ dimension: Dimension, _ what: String) throws -> Int {
        guard let value = dimension.literal else {
            throw PluginError.shape("\(what) is \(host.text(dimension)), wanted a fixed number")
        }
        return value
    }

    /// The greatest rank that a tensor has.
    public static let maximumRank = 8

    /// Declares an output; one of more than `maximumRank` axes is an error of the shape.
    public func addOutput(_ dtype: DataType = .float32, _ shape: [Dimension]) throws {
        guard shape.count <= Self.maximumRank else {
            throw PluginError.shape(
                "the output would have shape \(host.text(shape)), with \(shape.count) axes: at most "
                    + "\(Self.maximumRank) are possible")
        }
        try check(
            shape.map(\.value).withUnsafeBufferPointer {
                raw.pointee.add_output(raw.pointee.sink, dtype.raw, Int32(shape.count), $0.baseAddress)
            }, "the host refused an output of shape \(host.text(shape))")
    }

    /// Declares a trained tensor; `initializer` is the id of an initializer component.
    public func addParameter(
        _ name: String, _ shape: [Int], initializer: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:],
        noDecay: Bool = false
    ) throws {
        let storage = AttributeStorage(attributes)
        let status = withExtendedLifetime(storage) {
            shape.map(Int64.init).withUnsafeBufferPointer { dimensions in
                name.withCString { name in
                    initializer.withCString { initializer in
                        var parameter = lamina_parameter(
                            struct_size: UInt32(MemoryLayout<lamina_parameter>.size), rank: Int32(shape.count),
                            shape: dimensions.baseAddress, name: name, initializer: initializer,
                            initializer_attributes: storage.raw, flags: noDecay ? LAMINA_PARAMETER_NO_DECAY : 0,
                            reserved: 0)
                        return raw.pointee.add_parameter(raw.pointee.sink, &parameter)
                    }
                }
            }
        }
        try check(status, "the host refused parameter '\(name)' of shape \(shape)")
    }

    /// Declares a tensor that is saved with the model but not trained.
    public func addBuffer(_ name: String, _ shape: [Int], _ dtype: DataType = .float32, initial: Double) throws {
        let status = shape.map(Int64.init).withUnsafeBufferPointer { dimensions in
            name.withCString { name in
                var buffer = lamina_buffer(
                    struct_size: UInt32(MemoryLayout<lamina_buffer>.size), rank: Int32(shape.count),
                    shape: dimensions.baseAddress, name: name, dtype: dtype.raw, reserved: 0, initial_value: initial)
                return raw.pointee.add_buffer(raw.pointee.sink, &buffer)
            }
        }
        try check(status, "the host refused buffer '\(name)' of shape \(shape)")
    }

    /// Which layouts all inputs and outputs of rank >= 3 may have together; preferred nil: that of the first input.
    public func setLayouts(_ accepted: Layouts, preferred: Layouts? = nil) {
        raw.pointee.set_layouts(raw.pointee.sink, accepted.rawValue, preferred?.rawValue ?? 0)
    }
}

/// The planner's view: concrete shapes, strides and layouts in, needs out. Tensors have no memory yet.
public struct Planning {
    public let raw: UnsafePointer<lamina_planning>
    public let host: Host

    public var isTraining: Bool { raw.pointee.phase == LAMINA_PHASE_TRAINING }
    public var inputCount: Int { Int(raw.pointee.input_count) }
    public var outputCount: Int { Int(raw.pointee.output_count) }
    public func input(_ index: Int) -> Tensor { Tensor(raw.pointee.inputs + index) }
    public func output(_ index: Int) -> Tensor { Tensor(raw.pointee.outputs + index) }
    public func parameter(_ index: Int) -> Tensor { Tensor(raw.pointee.parameters + index) }
    public func buffer(_ index: Int) -> Tensor { Tensor(raw.pointee.buffers + index) }

    /// Whether backward will have to compute this gradient; it may be so in the inference phase too.
    public func wantsInputGradient(_ index: Int) -> Bool { raw.pointee.wants_input_gradient[index] != 0 }
    public func wantsParameterGradient(_ index: Int) -> Bool { raw.pointee.wants_parameter_gradient[index] != 0 }

    /// Backward reads this input.
    public func saveInput(_ index: Int) { raw.pointee.save_input(raw.pointee.sink, Int32(index)) }
    /// Backward reads this output.
    public func saveOutput(_ index: Int) { raw.pointee.save_output(raw.pointee.sink, Int32(index)) }
    /// Memory that forward writes and backward reads; returns its index in `Run.saved`.
    @discardableResult
    public func save(bytes: Int) -> Int { Int(raw.pointee.save_bytes(raw.pointee.sink, UInt64(bytes))) }
    /// Uninitialised memory of one call.
    public func setWorkspace(forward: Int = 0, backward: Int = 0) {
        raw.pointee.set_workspace(raw.pointee.sink, UInt64(forward), UInt64(backward))
    }
    /// Zeroed memory that lives as long as the plan.
    public func setPersistent(bytes: Int) { raw.pointee.set_persistent(raw.pointee.sink, UInt64(bytes)) }
    /// The output may overwrite the input, element by element.
    public func allowReuse(output: Int = 0, ofInput input: Int = 0) {
        raw.pointee.allow_in_place(raw.pointee.sink, Int32(output), Int32(input), LAMINA_IN_PLACE_REUSE)
    }
    /// The output has the input's bytes; forward has nothing to do when both pointers are equal.
    public func allowView(output: Int = 0, ofInput input: Int = 0) {
        raw.pointee.allow_in_place(raw.pointee.sink, Int32(output), Int32(input), LAMINA_IN_PLACE_VIEW)
    }
    /// The input's gradient may overwrite that of the output, element by element.
    public func allowGradientReuse(input: Int = 0, ofOutput output: Int = 0) {
        raw.pointee.allow_gradient_in_place(raw.pointee.sink, Int32(input), Int32(output), LAMINA_IN_PLACE_REUSE)
    }
    /// The input's gradient has the bytes of the output's.
    public func allowGradientView(input: Int = 0, ofOutput output: Int = 0) {
        raw.pointee.allow_gradient_in_place(raw.pointee.sink, Int32(input), Int32(output), LAMINA_IN_PLACE_VIEW)
    }
    /// Floating-point operations of one call.
    public func setFLOPs(forward: Double, backward: Double = 0) {
        raw.pointee.set_flops(raw.pointee.sink, forward, backward)
    }
    /// Backward overwrites every gradient; the host adds where it must.
    public func setOverwrites() { raw.pointee.set_overwrites(raw.pointee.sink) }
    /// Forward can compute any range of the output from the same ranges of its inputs, without a workspace.
    ///
    /// The host may then call `forward(_:_:)` right after what comes before has made those elements.
    public func allowRanges() { if isCurrent { raw.pointee.allow_ranges(raw.pointee.sink) } }
    /// Forward will call `Run.finished` for every element of output 0.
    public func announceOutput() { if isCurrent { raw.pointee.announce_output(raw.pointee.sink) } }
    /// The most that forward and backward ask of `Host.scratch(bytes:)` at a time.
    public func setScratch(bytes: Int) { if isCurrent { raw.pointee.set_scratch(raw.pointee.sink, UInt64(bytes)) } }
    /// Steps that sequences may have in a plan that computes them step by step; 0: every input is whole.
    public var cacheSteps: Int { isCurrent ? Int(raw.pointee.cache_steps) : 0 }
    /// Whether an input holds only the newest steps of sequences, [N, steps, …], behind `Run.past` others.
    public func holdsSteps(_ index: Int) -> Bool {
        guard isCurrent, let flags = raw.pointee.input_steps else { return false }
        return index < inputCount && flags[index] != 0
    }
    /// Whether every input that is connected does.
    public var allHoldSteps: Bool { (0..<inputCount).allSatisfy { input($0).isAbsent || holdsSteps($0) } }
    /// Outputs for the newest steps are those for whole sequences: they depend on no other step, or on what the cache
    /// holds of it.
    ///
    /// Without it the layer runs in no plan that has inputs in steps.
    public func allowSteps() { if isCurrent { raw.pointee.allow_steps(raw.pointee.sink) } }
    /// Asks for `Run.cache`, which is kept from run to run: [rows, cacheSteps, stepBytes].
    public func setCache(rows: Int, stepBytes: Int) {
        if isCurrent { raw.pointee.set_cache(raw.pointee.sink, Int64(rows), UInt64(stepBytes)) }
    }
    /// Hosts before ABI 1.1 have a shorter table.
    private var isCurrent: Bool { Int(raw.pointee.struct_size) >= MemoryLayout<lamina_planning>.size }
}

/// One forward or backward call: the tensors and the memory that `plan` asked for.
public struct Run {
    public let raw: UnsafePointer<lamina_run>
    public let host: Host

    @inline(__always) public init(raw: UnsafePointer<lamina_run>, host: Host) {
        self.raw = raw
        self.host = host
    }

    public var isTraining: Bool { raw.pointee.phase == LAMINA_PHASE_TRAINING }
    /// In backward only those that `plan` saved have data.
    public func input(_ index: Int) -> Tensor { Tensor(raw.pointee.inputs + index) }
    public func output(_ index: Int) -> Tensor { Tensor(raw.pointee.outputs + index) }
    public func parameter(_ index: Int) -> Tensor { Tensor(raw.pointee.parameters + index) }
    public func buffer(_ index: Int) -> Tensor { Tensor(raw.pointee.buffers + index) }
    public func outputGradient(_ index: Int) -> Tensor { Tensor(raw.pointee.output_gradients + index) }
    public func inputGradient(_ index: Int) -> Tensor { Tensor(raw.pointee.input_gradients + index) }
    public func parameterGradient(_ index: Int) -> Tensor { Tensor(raw.pointee.parameter_gradients + index) }
    public func saved(_ index: Int) -> UnsafeMutableRawPointer { raw.pointee.saved[index]! }
    public var workspace: UnsafeMutableRawPointer { raw.pointee.workspace! }
    public var persistent: UnsafeMutableRawPointer { raw.pointee.persistent! }
    /// The same stream in a forward and its backward.
    public var random: lamina_random { raw.pointee.random }

    /// What earlier steps have left, in plans with `cacheSteps`: as `Planning.setCache` asked.
    public var cache: UnsafeMutableRawPointer { raw.pointee.cache! }
    /// How many steps came before those of the inputs; 0 for whole sequences.
    public var past: Int {
        Int(raw.pointee.struct_size) >= MemoryLayout<lamina_run>.size ? Int(raw.pointee.past) : 0
    }

    /// Elements of output 0, in the order of memory, have their final values: what follows may use and overwrite them.
    @inline(__always)
    public func finished(_ begin: Int, count: Int) {
        guard Int(raw.pointee.struct_size) >= MemoryLayout<lamina_run>.size, let finished = raw.pointee.finished else {
            return
        }
        finished(raw.pointee.listeners, Int64(begin), Int64(count))
    }
}
