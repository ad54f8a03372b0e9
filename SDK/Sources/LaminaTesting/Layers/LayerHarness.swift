import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// A layer or loss behind its C vtable, called as a host calls it.
///
/// ```swift
/// let dense = try LayerHarness(.layer(Dense.self), ["units": 2])
/// let result = try dense.train([x], parameters: ["weight": w, "bias": b], outputGradients: [dy])
/// #expect(result.outputs[0].floats == […])
/// #expect(result.violations.isEmpty)
/// ```
public final class LayerHarness {
    public let component: UnsafePointer<lamina_component>
    public let host: TestHost
    public let attributes: AttributeSet
    let table: UnsafePointer<lamina_layer>
    let layer: UnsafeMutableRawPointer?

    /// Checks the attributes as a host does and creates the layer. Throws `AttributeError` or `CallError`.
    public convenience init(_ component: Component, _ attributes: JSONObject = [:], host: TestHost = TestHost()) throws
    {
        try self.init(component.raw, attributes, host: host)
    }

    /// The same for a component of a loaded library.
    public init(
        _ component: UnsafePointer<lamina_component>, _ attributes: JSONObject = [:], host: TestHost = TestHost()
    ) throws {
        let kind = String(cString: component.pointee.kind)
        precondition(kind == LAMINA_KIND_LAYER || kind == LAMINA_KIND_LOSS, "a \(kind) is no layer or loss")
        self.component = component
        self.host = host
        table = component.pointee.vtable.assumingMemoryBound(to: lamina_layer.self)
        self.attributes = try AttributeSet.bind(attributeSchemas(of: component), attributes)
        var layer: UnsafeMutableRawPointer?
        let status = table.pointee.create(component, host.raw, self.attributes.raw, &layer)
        try host.check(status, "create")
        guard layer != nil else {
            throw CallError(
                call: "create", status: LAMINA_ERROR_INTERNAL, text: "create succeeds but leaves its result NULL",
                argument: -1)
        }
        self.layer = layer
    }

    deinit { table.pointee.destroy(layer) }

    /// Whether it is a loss: its last input is then a target, which gets no gradient.
    public var isLoss: Bool { String(cString: component.pointee.kind) == LAMINA_KIND_LOSS }

    /// How many inputs the component names, how many of them it has to have, and whether the last stands for several.
    var ports: (count: Int, required: Int, isVariadic: Bool) {
        let flags = (0..<Int(component.pointee.input_count)).map { component.pointee.inputs[$0].flags }
        let required = flags.firstIndex { $0 & LAMINA_PORT_OPTIONAL != 0 } ?? flags.count
        return (flags.count, required, flags.last.map { $0 & LAMINA_PORT_VARIADIC != 0 } ?? false)
    }

    /// Whether absent inputs at the end are missing, instead of being there as absent ones. Hosts do either.
    var leavesOutAbsent = false

    /// Fills up with absent inputs to as many as the component names, or takes those at the end away.
    func padded<Value>(_ inputs: [Value?]) -> [Value?] {
        if leavesOutAbsent { return Array(inputs[..<(inputs.lastIndex { $0 != nil }.map { $0 + 1 } ?? 0)]) }
        return ports.isVariadic ? inputs : inputs + Array(repeating: nil, count: max(0, ports.count - inputs.count))
    }

    /// How many of the inputs that the component names are missing at the end.
    func missingCount(_ inputs: [TensorForm?]) -> Int { leavesOutAbsent ? max(0, ports.count - inputs.count) : 0 }

    /// Runs `infer`; nil inputs are absent. Throws `CallError`, also for declarations that a host would refuse.
    public func infer(_ inputs: [(dtype: DataType, dimensions: [Dimension])?]) throws(CallError) -> InferredLayer {
        try infer(forms: inputs.map { $0.map { TensorForm($0.dtype, $0.dimensions.map(\.value)) } })
    }

    func infer(forms: [TensorForm?]) throws(CallError) -> InferredLayer {
        let forms = padded(forms)
        let inputs = TensorArray(
            forms, names: forms.indices.map { "input \($0)" }, strangers: missingCount(forms))
        let sink = InferenceSink()
        let status = sink.withInference(inputs) { table.pointee.infer(layer, $0) }
        let outside = host.endCall()
        if let fault = sink.faults.first ?? outside.first {
            throw CallError(call: "infer", status: LAMINA_ERROR_INTERNAL, text: fault, argument: -1)
        }
        try host.check(status, "infer")
        return sink.inferred
    }

    /// One forward and backward in the training phase, on memory that is watched.
    ///
    /// Parameters and buffers that are not given get random and initial values. Every gradient is computed, for output
    /// gradients of 1 when none are given. What `plan` does not save is NaN in backward.
    public func train(
        _ inputs: [TensorValue?], parameters: [String: TensorValue] = [:], buffers: [String: TensorValue] = [:],
        outputGradients: [TensorValue]? = nil, layout: Layouts = .plain, seed: UInt64 = 1
    ) throws -> LayerResult {
        let inferred = try infer(forms: inputs.map { $0.map { TensorForm($0) } })
        let session = try LayerSession(
            self, inputs.map { $0.map { TensorForm($0) } }, inferred, .init(layout: layout, unsaved: .poison))
        var values = session.values(inputs, parameters: parameters, buffers: buffers, seed: seed)
        if let outputGradients { values.outputGradients = outputGradients }
        return try session.step(values)
    }

    /// One forward in the inference phase, on memory that is watched.
    public func predict(
        _ inputs: [TensorValue?], parameters: [String: TensorValue] = [:], buffers: [String: TensorValue] = [:],
        layout: Layouts = .plain, seed: UInt64 = 1
    ) throws -> LayerResult {
        let inferred = try infer(forms: inputs.map { $0.map { TensorForm($0) } })
        let session = try LayerSession(
            self, inputs.map { $0.map { TensorForm($0) } }, inferred, .init(isTraining: false, layout: layout))
        return try session.step(session.values(inputs, parameters: parameters, buffers: buffers, seed: seed))
    }
}

/// What one step of a layer has written.
public struct LayerResult: Sendable {
    public var outputs: [TensorValue] = []
    /// After the forward.
    public var buffers: [TensorValue] = []
    /// nil: not asked for.
    public var inputGradients: [TensorValue?] = []
    public var parameterGradients: [TensorValue?] = []
    /// Broken rules: writes outside of memory or to what is read-only, elements never written.
    public var violations: [String] = []
}
