import CLamina
import LaminaGraph
import LaminaSDK

/// Memory for one field of a batch, with its description for the ABI. The number of samples may be lowered.
final class BatchTensor: @unchecked Sendable {
    let dtype: DataType
    private(set) var sampleShape: [Int]
    let capacity: Int
    let raw: UnsafeMutablePointer<lamina_tensor>
    private let memory: AlignedMemory
    private let dimensions: UnsafeMutablePointer<Int64>

    init(_ dtype: DataType, _ sampleShape: [Int], capacity: Int) throws(TrainingError) {
        self.dtype = dtype
        self.sampleShape = sampleShape
        self.capacity = capacity
        let whole = TensorSpec(dtype: dtype, shape: ([capacity] + sampleShape).map(Int64.init))
        guard let elements = whole.count else {
            throw TrainingError(
                .data,
                "a batch of \(capacity) samples of shape \(sampleShape): no tensor may have more than 2^40 elements")
        }
        do {
            memory = try AlignedMemory(bytes: elements * dtype.size, purpose: "a batch of \(capacity)")
        } catch {
            throw TrainingError(.data, error.text)
        }
        let rank = sampleShape.count + 1
        dimensions = .allocate(capacity: 2 * rank)
        raw = .allocate(capacity: 1)
        dimensions[0] = Int64(capacity)
        var stride: Int64 = 1
        for (axis, size) in sampleShape.enumerated().reversed() {
            dimensions[axis + 1] = Int64(size)
            dimensions[rank + axis + 1] = stride
            stride *= max(Int64(size), 1)
        }
        dimensions[rank] = stride
        var tensor = lamina_tensor()
        tensor.data = memory.base
        tensor.device_type = LAMINA_DEVICE_CPU
        tensor.rank = Int32(rank)
        tensor.dtype = dtype.raw
        tensor.layout = LAMINA_LAYOUT_PLAIN
        tensor.shape = UnsafePointer(dimensions)
        tensor.strides = UnsafePointer(dimensions + rank)
        raw.initialize(to: tensor)
    }

    deinit {
        raw.deallocate()
        dimensions.deallocate()
    }

    /// How many samples the tensor says it has.
    var count: Int {
        get { Int(dimensions[0]) }
        set { dimensions[0] = Int64(newValue) }
    }

    /// The length of a row of a tensor with one: at most what it was made with.
    var rowLength: Int {
        get { sampleShape[0] }
        set {
            precondition(sampleShape.count == 1 && newValue * capacity * dtype.size <= memory.bytes)
            if newValue == sampleShape[0] { return }
            sampleShape[0] = newValue
            dimensions[1] = Int64(newValue)
            dimensions[2] = Int64(max(newValue, 1))
        }
    }

    /// With the number of samples.
    var shape: [Int] { [count] + sampleShape }

    var data: UnsafeMutableRawPointer { memory.base }
    var byteCount: Int { count * sampleShape.reduce(dtype.size, *) }
}
