import LaminaSDK

/// Turns images by quarters, counter-clockwise as `numpy.rot90` does: [C, H, W] → [C, W, H] for 1 and 3 quarters, any type.
///
/// | turns | y[i, j] |
/// |---|---|
/// | 1 | x[j, W − 1 − i] |
/// | 2 | x[H − 1 − i, W − 1 − j] |
/// | 3 | x[H − 1 − j, i] |
public struct Rotate: Transform {
    public static let name = "rotate"
    public static let documentation = "Turns images counter-clockwise by quarters."
    public static let attributes: [AttributeSchema] = [
        .integer("turns", default: 1, 1...3, "How many quarters.")
    ]

    private let turns: Int

    public init(_ attributes: Attributes) { turns = attributes.integer("turns") }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        let (height, width) = try Planes.size(of: shape, for: Self.name)
        return (dtype, turns == 2 ? shape : Planes.shape(shape, width, height))
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        switch input.elementSize {
        case 1: turn(input, output, UInt8.self, host)
        case 4: turn(input, output, UInt32.self, host)
        default: turn(input, output, UInt64.self, host)
        }
    }

    @inline(__always)
    private func turn<Element: BitwiseCopyable>(_ input: Tensor, _ output: Tensor, _: Element.Type, _ host: Host) {
        let planes = Planes(input)
        let (height, width) = (planes.height, planes.width)
        let (rows, columns) = turns == 2 ? (height, width) : (width, height)
        // Where y[0, 0] comes from, and how far x goes on with i and with j.
        let (start, down, across) =
            switch turns {
            case 1: (width - 1, -1, width)
            case 2: (height * width - 1, -width, -1)
            default: ((height - 1) * width, 1, -width)
            }
        let x = input.bytes.assumingMemoryBound(to: Element.self)
        let y = output.bytes.assumingMemoryBound(to: Element.self)
        planes.forEach(on: host, bytesPerPlane: height * width * MemoryLayout<Element>.size) { plane in
            let from = x + plane * height * width
            let to = y + plane * height * width
            for row in 0..<rows {
                for column in 0..<columns { to[row * columns + column] = from[start + row * down + column * across] }
            }
        }
    }
}
