import LaminaSDK

/// The elements of a tensor in logical row-major order, whatever layout it will have in memory.
public struct TensorValue: Sendable, Equatable {
    public let dtype: DataType
    public let shape: [Int]
    /// Row-major, little-endian.
    public var bytes: [UInt8]

    /// Elements as they stand in memory.
    public init(_ dtype: DataType, _ shape: [Int], bytes: [UInt8]) {
        precondition(
            bytes.count == shape.reduce(1, *) * dtype.size, "\(bytes.count) bytes for \(dtype.name) of shape \(shape)")
        self.dtype = dtype
        self.shape = shape
        self.bytes = bytes
    }

    private init<Element>(_ dtype: DataType, _ shape: [Int], _ values: [Element]) {
        self.init(dtype, shape, bytes: values.withUnsafeBytes { Array($0) })
    }

    public init(_ shape: [Int], _ values: [Float]) { self.init(.float32, shape, values) }
    public init(_ shape: [Int], doubles values: [Double]) { self.init(.float64, shape, values) }
    public init(_ shape: [Int], int64s values: [Int64]) { self.init(.int64, shape, values) }
    public init(_ shape: [Int], int32s values: [Int32]) { self.init(.int32, shape, values) }
    public init(_ shape: [Int], uint8s values: [UInt8]) { self.init(.uint8, shape, values) }
    public init(_ shape: [Int], bools values: [Bool]) { self.init(.bool, shape, values.map { UInt8($0 ? 1 : 0) }) }

    /// Every element the same.
    public static func filled(_ dtype: DataType = .float32, _ shape: [Int], _ value: Double) -> TensorValue {
        let count = shape.reduce(1, *)
        return switch dtype {
        case .float32: TensorValue(shape, [Float](repeating: Float(value), count: count))
        case .float64: TensorValue(shape, doubles: Array(repeating: value, count: count))
        case .int64: TensorValue(shape, int64s: Array(repeating: Int64(value), count: count))
        case .int32: TensorValue(shape, int32s: Array(repeating: Int32(value), count: count))
        case .uint8: TensorValue(shape, uint8s: Array(repeating: UInt8(value), count: count))
        case .bool: TensorValue(shape, bools: Array(repeating: value != 0, count: count))
        }
    }

    public var count: Int { shape.reduce(1, *) }

    /// The elements as they are stored; `Element` must have the type's size.
    public func elements<Element>(as type: Element.Type = Element.self) -> [Element] {
        precondition(MemoryLayout<Element>.size == dtype.size, "\(Element.self) is no element of \(dtype.name)")
        return bytes.withUnsafeBytes { buffer in
            (0..<count).map { buffer.loadUnaligned(fromByteOffset: $0 * dtype.size, as: Element.self) }
        }
    }

    /// The elements of a float32 tensor.
    public var floats: [Float] { elements() }

    /// The elements of any type as doubles.
    public var doubles: [Double] {
        switch dtype {
        case .float32: elements(as: Float.self).map(Double.init)
        case .float64: elements()
        case .int64: elements(as: Int64.self).map(Double.init)
        case .int32: elements(as: Int32.self).map(Double.init)
        case .uint8, .bool: bytes.map(Double.init)
        }
    }

    /// A float32 copy with element `index` set to `value`.
    func setting(_ index: Int, to value: Float) -> TensorValue {
        var copy = self
        copy.bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: index * 4, as: Float.self) }
        return copy
    }

    /// "[1, 0, 2]" for the element with number `index`.
    func position(of index: Int) -> String {
        var rest = index
        var axes: [Int] = []
        for size in shape.reversed() where size > 0 {
            axes.append(rest % size)
            rest /= size
        }
        return "\(Array(axes.reversed()))"
    }
}

extension DataType {
    /// Whether gradients flow through tensors of this type.
    var isReal: Bool { self == .float32 || self == .float64 }
}
