import CLamina

/// A layer that says by which nodes its derivative along a direction is computed, as gradient penalties need it.
///
/// For y = f(x) and a direction ẋ, the tangent of the input, that of the output is ẏ = ∂f/∂x · ẋ. The nodes stand beside the
/// layer in the tangent network, see its inputs and outputs, and may share its parameters.
public protocol TangentLayer: Layer {
    /// Adds the nodes that compute the tangents, then one output of the expansion per output of the layer.
    ///
    /// Throws `PluginError.unsupported`, with what to use instead, if there is no tangent with such attributes.
    func expandTangent(_ tangent: TangentExpansion) throws
}

/// A layer whose tangent is the layer itself, applied to the tangents of its inputs: y = A(x) and ẏ = A(ẋ).
///
/// One that adds something fixed besides, such as a bias, names the attributes that leave it out.
public protocol LinearLayer: TangentLayer {
    /// The attributes that differ for tangents.
    var tangentAttributes: KeyValuePairs<String, AttributeValue> { get }
}

extension LinearLayer {
    public var tangentAttributes: KeyValuePairs<String, AttributeValue> { [:] }

    public func expandTangent(_ tangent: TangentExpansion) throws {
        let tangents = try (0..<tangent.inputCount).map { index in
            guard let reference = tangent.tangent(index) else {
                throw PluginError.unsupported(
                    "its input \(index) has no tangent beside others that have: wanted all or none")
            }
            return reference
        }
        let node = try tangent.addLayer(name: "tangent", inputs: tangents, tangentAttributes)
        for index in 0..<tangent.outputCount { try tangent.addOutput(index == 0 ? node : "\(node):\(index)") }
    }
}

/// Collects the nodes that compute a layer's tangents.
public struct TangentExpansion {
    public let raw: UnsafePointer<lamina_linearization>
    public let host: Host

    public init(raw: UnsafePointer<lamina_linearization>, host: Host) {
        self.raw = raw
        self.host = host
    }

    /// How many inputs the layer is connected to.
    public var inputCount: Int { Int(raw.pointee.input_count) }
    public var outputCount: Int { Int(raw.pointee.output_count) }

    /// The reference to one of the layer's inputs.
    public func input(_ index: Int = 0) -> String { "#\(index)" }
    /// The reference to one of the layer's outputs.
    public func output(_ index: Int = 0) -> String { "#\(inputCount + index)" }
    /// The reference to an input's tangent; nil: it is zero.
    public func tangent(_ index: Int = 0) -> String? {
        raw.pointee.has_tangent[index] == 0 ? nil : "#\(inputCount + outputCount + index)"
    }

    /// Adds a node of any component and returns the reference to its first output.
    ///
    /// - Parameter sharesParameters: it uses the layer's parameters of the same names; it cannot have others.
    @discardableResult
    public func add(
        _ component: String, name: String, inputs: [String?], _ attributes: KeyValuePairs<String, AttributeValue> = [:],
        sharesParameters: Bool = false
    ) throws -> String {
        try add(
            component, name: name, inputs: inputs, attributes.map { ($0, $1) }, sharesParameters: sharesParameters)
    }

    /// The same with attributes that were put together elsewhere.
    @discardableResult
    public func add(
        _ component: String, name: String, inputs: [String?], _ attributes: [(name: String, value: AttributeValue)],
        sharesParameters: Bool = false
    ) throws -> String {
        try Expansion(raw: raw.pointee.expansion, host: host).add(
            component, name: name, inputs: inputs, attributes, sharing: sharesParameters ? LAMINA_JVP_SELF : nil)
    }

    /// Adds the layer itself once more, with its parameters, and its attributes but for those given.
    @discardableResult
    public func addLayer(
        name: String, inputs: [String?], _ attributes: KeyValuePairs<String, AttributeValue> = [:]
    ) throws -> String {
        try add(LAMINA_JVP_SELF, name: name, inputs: inputs, attributes, sharesParameters: true)
    }

    /// Names the tangent of the layer's next output; nil: it is zero.
    public func addOutput(_ reference: String?) throws {
        let sink = raw.pointee.expansion.pointee
        try check(sink.add_output(sink.sink, reference), "the host refused the tangent '\(reference ?? "zero")'")
    }
}

/// The C function behind every Swift layer that has a tangent.
enum TangentTable {
    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_jvp(
                struct_size: UInt32(MemoryLayout<lamina_jvp>.size), reserved: 0,
                expand: { handle, linearization in
                    let box = LayerTable.LayerBox.at(handle)
                    return box.host.raw.status {
                        guard let layer = box.value as? any TangentLayer else {
                            throw PluginError.unsupported("it has no tangent")
                        }
                        try layer.expandTangent(TangentExpansion(raw: linearization!, host: box.host))
                    }
                })))
}
