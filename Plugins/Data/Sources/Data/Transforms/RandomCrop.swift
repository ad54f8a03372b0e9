import LaminaSDK

/// While training, cuts a window out at a random place, each sample's own; otherwise, out of the middle.
///
/// [C, H, W] → [C, size], any type. `padding` zeros are thought around the image first. Both coordinates are uniform;
/// the same seed draws the same windows.
public struct RandomCrop: Transform {
    public static let name = "random_crop"
    public static let documentation = "Augmentation: cuts out a random window while training, else the middle."
    public static let attributes: [AttributeSchema] = [
        .size("Height and width of the window, or one number for both."),
        .integer("padding", default: 0, 0...65536, "Zeros around the image that the window may reach into."),
    ]

    private let size: (height: Int, width: Int)
    private let padding: Int

    public init(_ attributes: Attributes) {
        size = attributes.size()
        padding = attributes.integer("padding")
    }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        let (height, width) = try Planes.size(of: shape, for: Self.name)
        guard size.height <= height + 2 * padding, size.width <= width + 2 * padding else {
            throw PluginError.shape(
                "data.random_crop wants \(size.height) × \(size.width) of images that are \(height) × \(width) with "
                    + "padding \(padding); enlarge padding")
        }
        return (dtype, Planes.shape(shape, size.height, size.width))
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        let (planes, element) = (Planes(input), input.elementSize)
        let perSample = planes.count / max(input.size(0), 1)
        let (freeY, freeX) = (planes.height + 2 * padding - size.height, planes.width + 2 * padding - size.width)
        planes.forEach(on: host, bytesPerPlane: size.height * size.width * element) { plane in
            var (top, left) = (freeY / 2, freeX / 2)
            if isTraining {
                // All channels of a sample draw the same two numbers.
                (top, left) = host.draw(random, sample: plane / perSample, below: (freeY + 1, freeX + 1))
            }
            Window(top: top - padding, left: left - padding, height: size.height, width: size.width).copy(
                element, from: input.bytes + plane * planes.height * planes.width * element, height: planes.height,
                width: planes.width, to: output.bytes + plane * size.height * size.width * element, fill: 0)
        }
    }
}

extension Host {
    /// Two uniform integers of a sample, each below its bound, which is at most 2^24.
    @inline(__always)
    func draw(_ random: RandomStream, sample: Int, below bounds: (Int, Int)) -> (Int, Int) {
        var numbers: (Float, Float) = (0, 0)
        withUnsafeMutablePointer(to: &numbers) {
            $0.withMemoryRebound(to: Float.self, capacity: 2) { uniform(random, first: 2 * sample, into: $0, count: 2) }
        }
        return (Int(Double(numbers.0) * Double(bounds.0)), Int(Double(numbers.1) * Double(bounds.1)))
    }
}
