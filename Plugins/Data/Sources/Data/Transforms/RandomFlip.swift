import Glibc
import LaminaSDK

/// While training, mirrors each sample with a probability; otherwise passes it on. [C, H, W], any type.
public struct RandomFlip: Transform {
    public static let name = "random_flip"
    public static let documentation = "Augmentation: mirrors images at random while training."
    public static let attributes: [AttributeSchema] = [
        .string(
            "axis", default: "horizontal", choices: ["horizontal", "vertical"],
            "Swap left and right, or top and bottom."),
        .real("probability", default: 0.5, 0...1, "Of mirroring a sample."),
    ]

    private let isVertical: Bool
    private let probability: Double

    public init(_ attributes: Attributes) {
        isVertical = attributes.string("axis") == "vertical"
        probability = attributes.real("probability")
    }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        _ = try Planes.size(of: shape, for: Self.name)
        return (dtype, shape)
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        let (planes, element) = (Planes(input), input.elementSize)
        let perSample = planes.count / max(input.size(0), 1)
        let bytes = planes.height * planes.width * element
        planes.forEach(on: host, bytesPerPlane: bytes) { plane in
            var number: Float = 1
            if isTraining { host.uniform(random, first: plane / perSample, into: &number, count: 1) }
            let (from, to) = (input.bytes + plane * bytes, output.bytes + plane * bytes)
            if Double(number) >= probability {
                memcpy(to, from, bytes)
            } else if isVertical {
                let row = planes.width * element
                for y in 0..<planes.height { memcpy(to + y * row, from + (planes.height - 1 - y) * row, row) }
            } else {
                switch element {
                case 1: mirrorRows(planes, from, to, UInt8.self)
                case 4: mirrorRows(planes, from, to, UInt32.self)
                default: mirrorRows(planes, from, to, UInt64.self)
                }
            }
        }
    }

    @inline(__always)
    private func mirrorRows<Element: BitwiseCopyable>(
        _ planes: Planes, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _: Element.Type
    ) {
        let x = from.assumingMemoryBound(to: Element.self)
        let y = to.assumingMemoryBound(to: Element.self)
        for row in 0..<planes.height {
            let start = row * planes.width
            for i in 0..<planes.width { y[start + i] = x[start + planes.width - 1 - i] }
        }
    }
}
