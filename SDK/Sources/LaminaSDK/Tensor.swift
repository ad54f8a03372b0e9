import CLamina

/// The element types that tensors have.
public enum DataType: Sendable, Equatable, CaseIterable {
    case float32, float64, int64, int32, uint8, bool

    public init?(_ raw: lamina_dtype) {
        guard raw.lanes == 1, let match = DataType.allCases.first(where: { $0.raw == raw }) else { return nil }
        self = match
    }

    public var raw: lamina_dtype {
        switch self {
        case .float32: lamina_dtype(code: UInt8(LAMINA_TYPE_FLOAT), bits: 32, lanes: 1)
        case .float64: lamina_dtype(code: UInt8(LAMINA_TYPE_FLOAT), bits: 64, lanes: 1)
        case .int64: lamina_dtype(code: UInt8(LAMINA_TYPE_INTEGER), bits: 64, lanes: 1)
        case .int32: lamina_dtype(code: UInt8(LAMINA_TYPE_INTEGER), bits: 32, lanes: 1)
        case .uint8: lamina_dtype(code: UInt8(LAMINA_TYPE_UNSIGNED), bits: 8, lanes: 1)
        case .bool: lamina_dtype(code: UInt8(LAMINA_TYPE_BOOL), bits: 8, lanes: 1)
        }
    }

    /// Bytes of one element.
    public var size: Int { Int(raw.bits) / 8 }

    /// The name that recipes and messages use.
    public var name: String { "\(self)" }
}

extension lamina_dtype: @retroactive Equatable {
    public static func == (a: lamina_dtype, b: lamina_dtype) -> Bool {
        a.code == b.code && a.bits == b.bits && a.lanes == b.lanes
    }
}

/// A borrowed tensor: shape, layout and memory that belong to the host.
///
/// While shapes are inferred or planned it has no memory; `floats` and the like then trap.
public struct Tensor: @unchecked Sendable {
    public let raw: UnsafePointer<lamina_tensor>

    @inlinable public init(_ raw: UnsafePointer<lamina_tensor>) { self.raw = raw }

    @inlinable public var rank: Int { Int(raw.pointee.rank) }
    /// The size of dimension `axis`, counted from 0.
    @inlinable public func size(_ axis: Int) -> Int { Int(raw.pointee.shape[axis]) }
    /// The distance in elements between neighbours along `axis`.
    @inlinable public func stride(_ axis: Int) -> Int { Int(raw.pointee.strides[axis]) }
    /// Product of all sizes: the number of elements.
    @inlinable public var count: Int { product(0, rank) }
    /// Product of the sizes of axes `from ..< to`.
    @inlinable public func product(_ from: Int, _ to: Int) -> Int {
        var result = 1
        var axis = from
        while axis < to {
            result *= size(axis)
            axis += 1
        }
        return result
    }
    /// The shape as an array; allocates, so not for use in a step.
    public var shape: [Int] { (0..<rank).map(size) }
    public var dtype: DataType? { DataType(raw.pointee.dtype) }

    /// Memory is in the order N, spatial…, C. Always false below rank 3.
    @inlinable public var isChannelsLast: Bool { raw.pointee.layout == LAMINA_LAYOUT_CHANNELS_LAST }
    /// An optional input that is not connected, or a gradient that nobody wants.
    @inlinable public var isAbsent: Bool { raw.pointee.flags & LAMINA_TENSOR_ABSENT != 0 }
    /// The gradient must be added to what is there.
    @inlinable public var accumulates: Bool { raw.pointee.flags & LAMINA_TENSOR_ACCUMULATE != 0 }
    @inlinable public var hasData: Bool { raw.pointee.data != nil }

    @inlinable public var bytes: UnsafeMutableRawPointer { raw.pointee.data! }
    @inlinable public var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }
    @inlinable public var doubles: UnsafeMutablePointer<Double> { bytes.assumingMemoryBound(to: Double.self) }
    @inlinable public var int64s: UnsafeMutablePointer<Int64> { bytes.assumingMemoryBound(to: Int64.self) }
    @inlinable public var int32s: UnsafeMutablePointer<Int32> { bytes.assumingMemoryBound(to: Int32.self) }
    @inlinable public var uint8s: UnsafeMutablePointer<UInt8> { bytes.assumingMemoryBound(to: UInt8.self) }
}

/// Borrowed tensors by number, as many as the call is about: a view of the host's table, so that none is copied.
public struct Tensors: @unchecked Sendable {
    public let raw: UnsafePointer<lamina_tensor>

    @inlinable public init(_ raw: UnsafePointer<lamina_tensor>) { self.raw = raw }

    @inlinable public subscript(index: Int) -> Tensor { Tensor(raw + index) }
}

/// The layouts that a layer accepts; see `Inference.setLayouts`.
public struct Layouts: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let plain = Layouts(rawValue: LAMINA_LAYOUT_PLAIN)
    public static let channelsLast = Layouts(rawValue: LAMINA_LAYOUT_CHANNELS_LAST)
    public static let any: Layouts = [.plain, .channelsLast]
}
