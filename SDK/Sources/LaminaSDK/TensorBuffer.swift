import CLamina

/// A plain tensor with memory of its own, zero at first: what a task gives to a graph.
public final class TensorBuffer {
    /// Valid while the buffer lives: hold it (`withExtendedLifetime`) as long as something reads the tensor.
    public var tensor: Tensor { Tensor(raw) }
    private let raw: UnsafeMutablePointer<lamina_tensor>
    private let dimensions: UnsafeMutablePointer<Int64>

    public init(_ dtype: DataType, _ shape: [Int]) {
        let rank = shape.count
        dimensions = .allocate(capacity: max(2 * rank, 1))
        var stride: Int64 = 1
        for axis in (0..<rank).reversed() {
            (dimensions + axis).initialize(to: Int64(shape[axis]))
            (dimensions + rank + axis).initialize(to: stride)
            stride *= Int64(max(shape[axis], 1))
        }
        let bytes = max(shape.reduce(dtype.size, *), 64)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        var tensor = lamina_tensor()
        tensor.data = memory
        tensor.device_type = LAMINA_DEVICE_CPU
        tensor.rank = Int32(rank)
        tensor.dtype = dtype.raw
        tensor.layout = LAMINA_LAYOUT_PLAIN
        (tensor.shape, tensor.strides) = (UnsafePointer(dimensions), UnsafePointer(dimensions + rank))
        raw = .allocate(capacity: 1)
        raw.initialize(to: tensor)
    }

    deinit {
        raw.pointee.data.deallocate()
        raw.deallocate()
        dimensions.deallocate()
    }
}
