import LaminaSDK

/// Cuts out the middle: [C, H, W] → [C, size], any type; an odd rest goes to the bottom and the right.
public struct CenterCrop: Transform {
    public static let name = "center_crop"
    public static let documentation = "Cuts out the middle of images."
    public static let attributes: [AttributeSchema] = [.size("Height and width, or one number for both.")]

    private let size: (height: Int, width: Int)

    public init(_ attributes: Attributes) { size = attributes.size() }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        let (height, width) = try Planes.size(of: shape, for: Self.name)
        guard size.height <= height, size.width <= width else {
            throw PluginError.shape(
                "data.center_crop wants \(size.height) × \(size.width) of images that are \(height) × \(width); put "
                    + "data.pad or data.resize before it")
        }
        return (dtype, Planes.shape(shape, size.height, size.width))
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        let (planes, element) = (Planes(input), input.elementSize)
        let window = Window(
            top: (planes.height - size.height) / 2, left: (planes.width - size.width) / 2, height: size.height,
            width: size.width)
        planes.forEach(on: host, bytesPerPlane: size.height * size.width * element) { plane in
            window.copy(
                element, from: input.bytes + plane * planes.height * planes.width * element, height: planes.height,
                width: planes.width, to: output.bytes + plane * size.height * size.width * element, fill: 0)
        }
    }
}

extension Tensor {
    /// Bytes of one element.
    var elementSize: Int { Int(raw.pointee.dtype.bits) / 8 }
}
