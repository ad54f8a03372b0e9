import LaminaSDK

/// Surrounds images with a constant: [C, H, W] → [C, H + top + bottom, W + left + right], any type.
public struct Pad: Transform {
    public static let name = "pad"
    public static let documentation = "Surrounds images with pixels of one value."
    public static let attributes: [AttributeSchema] = [
        .integers(
            "amount", 0...65536, count: 1...4,
            "Pixels on each side; or [vertical, horizontal]; or [top, bottom, left, right]."),
        .real("value", default: 0, "The value of the new pixels."),
    ]

    private let top: Int
    private let bottom: Int
    private let left: Int
    private let right: Int
    private let value: Double

    public init(_ attributes: Attributes) throws {
        let amount = attributes.integers("amount")
        switch amount.count {
        case 1: (top, bottom, left, right) = (amount[0], amount[0], amount[0], amount[0])
        case 2: (top, bottom, left, right) = (amount[0], amount[0], amount[1], amount[1])
        case 4: (top, bottom, left, right) = (amount[0], amount[1], amount[2], amount[3])
        default: throw PluginError.attribute("amount has \(amount.count) numbers, wanted 1, 2 or 4")
        }
        value = attributes.real("value")
    }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        let (height, width) = try Planes.size(of: shape, for: Self.name)
        guard bits(dtype) != nil else {
            throw PluginError.attribute("value \(value) of data.pad is no \(dtype.name), which the images are")
        }
        return (dtype, Planes.shape(shape, top + height + bottom, left + width + right))
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        let (planes, element) = (Planes(input), input.elementSize)
        let window = Window(
            top: -top, left: -left, height: top + planes.height + bottom, width: left + planes.width + right)
        let fill = input.dtype.flatMap(bits) ?? 0
        planes.forEach(on: host, bytesPerPlane: window.height * window.width * element) { plane in
            window.copy(
                element, from: input.bytes + plane * planes.height * planes.width * element, height: planes.height,
                width: planes.width, to: output.bytes + plane * window.height * window.width * element, fill: fill)
        }
    }

    /// The value in the type's bits; nil when the type does not have it.
    private func bits(_ dtype: DataType) -> UInt64? {
        switch dtype {
        case .float32: UInt64(Float(value).bitPattern)
        case .float64: value.bitPattern
        case .uint8: UInt8(exactly: value).map { UInt64($0) }
        case .bool: value == 0 || value == 1 ? UInt64(value) : nil
        case .int32: Int32(exactly: value).map { UInt64(UInt32(bitPattern: $0)) }
        case .int64: Int64(exactly: value).map { UInt64(bitPattern: $0) }
        }
    }
}
