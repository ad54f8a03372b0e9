import LaminaSDK

/// Negatives: y = 255 − x for uint8, y = low + high − x for float32. Any shape.
public struct Invert: Transform {
    public static let name = "invert"
    public static let documentation = "Negatives of images: 255 - x for bytes, low + high - x for floats."
    public static let attributes: [AttributeSchema] = [
        .real("low", default: 0, "The float that is black."),
        .real("high", default: 1, "The float that is white."),
    ]

    private let sum: Float

    public init(_ attributes: Attributes) throws {
        sum = Float(attributes.real("low") + attributes.real("high"))
        guard sum.isFinite else {
            throw PluginError.attribute("low + high must be finite, got \(sum)")
        }
    }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        guard dtype == .uint8 || dtype == .float32 else {
            throw PluginError.type("data.invert takes uint8 or float32, got \(dtype.name); put data.to_float before it")
        }
        return (dtype, shape)
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        let isBytes = input.dtype == .uint8
        host.parallelFor(input.count, grain: 32 << 10) { begin, end in
            if isBytes {
                for index in begin..<end { output.uint8s[index] = 255 - input.uint8s[index] }
            } else {
                for index in begin..<end { output.floats[index] = sum - input.floats[index] }
            }
        }
    }
}
