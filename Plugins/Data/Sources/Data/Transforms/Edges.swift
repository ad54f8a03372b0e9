import LaminaSDK

/// Edges of images: the magnitude of the gradient by Sobel's masks, m = ‖(x ∗ s, x ∗ sᵀ)‖ with s = ⎡−1 0 1⎤
///                                                                                              ⎢−2 0 2⎥
///                                                                                              ⎣−1 0 1⎦
///
/// y = scale · m, or with a threshold t: y = high where scale · m ≥ t, else 0; high is 255 for bytes and 1 for floats. The
/// usual scale of ¼ gives an upright or level edge its own height. Shapes: [C, H, W] → [C, H, W], each channel by itself,
/// uint8 (rounded, at most 255) or float32; beyond the borders the outermost pixels go on.
///
/// Source: Sobel, Feldman: A 3 × 3 isotropic gradient operator for image processing, 1968.
public struct Edges: Transform {
    public static let name = "edges"
    public static let documentation =
        "Edges of images: the magnitude of Sobel's gradient, or where it passes a threshold."
    public static let attributes: [AttributeSchema] = [
        .real("scale", default: 0.25, 0 ... .infinity, "Factor of the magnitude."),
        .real(
            "threshold", default: nil, 0 ... .infinity,
            "What reaches it becomes white (255, or 1 for floats), the rest 0; when left out, the magnitude is kept."),
    ]

    private let scale: Float
    private let threshold: Float?

    public init(_ attributes: Attributes) throws {
        (scale, threshold) = (
            Float(attributes.real("scale")), attributes.optionalReal("threshold").map { Float($0) }
        )
        guard scale.isFinite, threshold?.isFinite ?? true else {
            throw PluginError.attribute("scale \(scale) and threshold \(threshold ?? 0) must be finite")
        }
    }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        _ = try Planes.size(of: shape, for: Self.name)
        guard dtype == .uint8 || dtype == .float32 else {
            throw PluginError.type("data.edges takes uint8 or float32, got \(dtype.name); put data.to_float before it")
        }
        return (dtype, shape)
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        if input.dtype == .uint8 {
            apply(Planes(input), input.uint8s, output.uint8s, host, number: { Float($0) }) { value in
                threshold.map { value >= $0 ? 255 : 0 } ?? UInt8(min(value, 255).rounded())
            }
        } else {
            apply(Planes(input), input.floats, output.floats, host, number: { $0 }) { value in
                threshold.map { value >= $0 ? 1 : 0 } ?? value
            }
        }
    }

    @inline(__always)
    private func apply<Value: BitwiseCopyable>(
        _ planes: Planes, _ x: UnsafeMutablePointer<Value>, _ y: UnsafeMutablePointer<Value>, _ host: Host,
        number: (Value) -> Float, value: (Float) -> Value
    ) {
        let (height, width) = (planes.height, planes.width)
        planes.forEach(on: host, bytesPerPlane: height * width * MemoryLayout<Value>.size) { plane in
            let from = x + plane * height * width
            let to = y + plane * height * width
            for row in 0..<height {
                let above = from + max(row - 1, 0) * width
                let here = from + row * width
                let below = from + min(row + 1, height - 1) * width
                for column in 0..<width {
                    let (left, right) = (max(column - 1, 0), min(column + 1, width - 1))
                    let across =
                        number(above[right]) - number(above[left]) + 2 * (number(here[right]) - number(here[left]))
                        + number(below[right]) - number(below[left])
                    let down =
                        number(below[left]) - number(above[left]) + 2 * (number(below[column]) - number(above[column]))
                        + number(below[right]) - number(above[right])
                    to[row * width + column] = value(scale * (across * across + down * down).squareRoot())
                }
            }
        }
    }
}
