import LaminaSDK

/// Changes height and width: [C, H, W] → [C, size], uint8 or float32.
///
/// Bilinear: half-pixel centres, clamped at the borders, no anti-aliasing; nearest: pixel ⌊i · in / out⌋. Both as
/// PyTorch's `interpolate(align_corners=False)`. Bytes are rounded to the nearest.
public struct Resize: Transform {
    public static let name = "resize"
    public static let documentation = "Resizes images to a height and width."
    public static let attributes: [AttributeSchema] = [
        .size("Height and width, or one number for both."),
        .string("method", default: "bilinear", choices: ["bilinear", "nearest"], "How pixels in between are found."),
    ]

    private let size: (height: Int, width: Int)
    private let isNearest: Bool

    public init(_ attributes: Attributes) {
        size = attributes.size()
        isNearest = attributes.string("method") == "nearest"
    }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        _ = try Planes.size(of: shape, for: Self.name)
        guard dtype == .uint8 || dtype == .float32 else {
            throw PluginError.type("data.resize takes uint8 or float32, got \(dtype.name); put data.to_float before it")
        }
        return (dtype, Planes.shape(shape, size.height, size.width))
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        if input.dtype == .uint8 {
            resize(input, output, input.uint8s, output.uint8s, host)
        } else {
            resize(input, output, input.floats, output.floats, host)
        }
    }

    private func resize<Value: PixelValue>(
        _ input: Tensor, _ output: Tensor, _ x: UnsafeMutablePointer<Value>, _ y: UnsafeMutablePointer<Value>,
        _ host: Host
    ) {
        let planes = Planes(input)
        let outPlane = size.height * size.width
        planes.forEach(on: host, bytesPerPlane: outPlane * MemoryLayout<Value>.size) { plane in
            let from = x + plane * planes.height * planes.width
            let to = y + plane * outPlane
            if isNearest {
                Resampling.nearest(
                    from: from, height: planes.height, width: planes.width, to: to, height: size.height,
                    width: size.width)
            } else {
                Resampling.bilinear(
                    from: from, height: planes.height, width: planes.width, pixelStride: 1, to: to,
                    height: size.height, width: size.width)
            }
        }
    }
}
