import LaminaSDK

/// Converts to float32: y = scale · x.
///
/// The scale is 1/255 for uint8 and 1 for other types unless given. Any shape.
public struct ToFloat: Transform {
    public static let name = "to_float"
    public static let documentation = "Converts to float32 and scales; bytes come to lie in [0, 1]."
    public static let attributes: [AttributeSchema] = [
        .real("scale", default: nil, "The factor; when left out, 1/255 for uint8 and 1 for other types.")
    ]

    private let scale: Double?

    public init(_ attributes: Attributes) throws {
        scale = attributes.optionalReal("scale")
        guard scale?.isFinite ?? true else { throw PluginError.attribute("scale must be finite, got \(scale!)") }
    }

    public func infer(_ dtype: DataType, _ shape: [Int]) -> (DataType, [Int]) { (.float32, shape) }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) throws {
        guard let dtype = input.dtype else { throw PluginError.type("data.to_float: unknown element type") }
        let factor = Float(scale ?? (dtype == .uint8 ? 1.0 / 255 : 1))
        let y = output.floats
        host.parallelFor(input.count, grain: 32 << 10) { begin, end in
            switch dtype {
            case .uint8: for i in begin..<end { y[i] = Float(input.uint8s[i]) * factor }
            case .bool: for i in begin..<end { y[i] = input.uint8s[i] != 0 ? factor : 0 }
            case .int32: for i in begin..<end { y[i] = Float(input.int32s[i]) * factor }
            case .int64: for i in begin..<end { y[i] = Float(input.int64s[i]) * factor }
            case .float32: for i in begin..<end { y[i] = input.floats[i] * factor }
            case .float64: for i in begin..<end { y[i] = Float(input.doubles[i] * Double(factor)) }
            }
        }
    }
}
