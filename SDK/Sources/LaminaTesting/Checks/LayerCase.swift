import LaminaFormats
import LaminaSDK

/// One configuration of a layer for `checkLayer`: attributes and what its inputs look like.
///
/// ```swift
/// LayerCase(["units": 3], .normal([4, 5]))
/// LayerCase("classes", .normal([6, 10]), .integers([6], 0..<10))
/// LayerCase(rejects: "has 3 channels", ["groups": 2], .normal([1, 3, 8, 8]))
/// ```
public struct LayerCase: Sendable {
    public var name: String
    public var attributes: JSONObject
    public var inputs: [CaseInput]
    /// Values that parameters must have; the others are random in ±0.9.
    public var parameters: [String: TensorValue] = [:]
    /// Values that buffers begin with; the others begin as declared.
    public var buffers: [String: TensorValue] = [:]
    /// Inputs with a gradient; nil: all of a real type, without a loss's target.
    public var differentiable: Set<Int>?
    /// Whether dimension 0 is a batch that may have any size and stays symbolic while shapes are inferred.
    public var hasBatch = true
    /// The batch of the large variant, which should cross the layer's grain sizes; nil: about 150,000 elements.
    public var largeBatch: Int?
    /// Whether finite differences are compared; switch off for gradients that are none on purpose.
    public var checksDerivatives = true
    /// Whether every layout gives the same values; switch off for random layers, which draw in the order of the memory.
    public var layoutsAgree = true
    /// Allowed error of finite differences, relative to the largest gradient.
    public var derivativeTolerance = 3e-3
    /// When set, the layer must refuse the case with a text that contains this.
    public var rejection: String?

    public init(_ name: String = "", _ attributes: JSONObject = [:], _ inputs: CaseInput...) {
        self.name = name.isEmpty ? Self.title(attributes, inputs) : name
        self.attributes = attributes
        self.inputs = inputs
    }

    public init(_ attributes: JSONObject, _ inputs: CaseInput...) {
        name = Self.title(attributes, inputs)
        self.attributes = attributes
        self.inputs = inputs
    }

    public init(_ inputs: CaseInput...) {
        name = Self.title([:], inputs)
        attributes = [:]
        self.inputs = inputs
    }

    /// A configuration that the layer must refuse with a text that contains `text`.
    public init(rejects text: String, _ attributes: JSONObject = [:], _ inputs: CaseInput...) {
        name = Self.title(attributes, inputs)
        self.attributes = attributes
        self.inputs = inputs
        rejection = text
    }

    /// The same case with properties changed: `LayerCase(…).with { $0.hasBatch = false }`.
    public func with(_ change: (inout LayerCase) -> Void) -> LayerCase {
        var copy = self
        change(&copy)
        return copy
    }

    private static func title(_ attributes: JSONObject, _ inputs: [CaseInput]) -> String {
        let shapes = inputs.map { $0.isAbsent ? "absent" : "\($0.shape)" }.joined(separator: ", ")
        return attributes.isEmpty ? shapes : JSON.object(attributes).text() + " " + shapes
    }

    /// The inputs for a seed; nil: absent.
    func values(seed: UInt64) -> [TensorValue?] {
        inputs.enumerated().map { $1.value(seed: seed &* 1000 &+ UInt64($0)) }
    }

    /// The size of the batch: dimension 0 of the first input that is there.
    var batch: Int? { hasBatch ? inputs.first { !$0.isAbsent }?.shape.first : nil }

    /// Which inputs begin with the batch: those whose dimension 0 has its size.
    var batchedInputs: [Int] {
        guard let batch else { return [] }
        return inputs.indices.filter { !inputs[$0].isAbsent && inputs[$0].shape.first == batch }
    }

    /// The same with another batch, or nil when it has none or an input's values are fixed.
    func withBatch(_ size: Int) -> LayerCase? {
        guard batch != nil, batchedInputs.allSatisfy({ inputs[$0].isResizable }) else { return nil }
        return with { copy in
            for index in batchedInputs { copy.inputs[index].shape[0] = size }
            copy.name += " with batch \(size)"
        }
    }
}

/// How one input of a case is filled.
public struct CaseInput: Sendable {
    enum Content: Sendable {
        case normal
        case uniform(ClosedRange<Float>)
        case integers(Range<Int>, DataType)
        case fixed(TensorValue)
        case absent
    }
    public internal(set) var shape: [Int]
    let content: Content

    /// Standard normal numbers.
    public static func normal(_ shape: [Int]) -> CaseInput { .init(shape: shape, content: .normal) }
    /// Uniform numbers.
    public static func uniform(_ shape: [Int], _ range: ClosedRange<Float>) -> CaseInput {
        .init(shape: shape, content: .uniform(range))
    }
    /// Random integers.
    public static func integers(_ shape: [Int], _ range: Range<Int>, _ dtype: DataType = .int64) -> CaseInput {
        .init(shape: shape, content: .integers(range, dtype))
    }
    /// Exactly these values; such a case has no variants with other batches.
    public static func value(_ value: TensorValue) -> CaseInput { .init(shape: value.shape, content: .fixed(value)) }
    /// An optional input that is not connected.
    public static let absent = CaseInput(shape: [], content: .absent)

    var isAbsent: Bool { if case .absent = content { true } else { false } }
    var isResizable: Bool { if case .fixed = content { false } else { true } }

    func value(seed: UInt64) -> TensorValue? {
        switch content {
        case .normal: .normal(shape, seed: seed)
        case .uniform(let range): .uniform(shape, range, seed: seed)
        case .integers(let range, let dtype): .integers(shape, range, dtype, seed: seed)
        case .fixed(let value): value
        case .absent: nil
        }
    }
}
