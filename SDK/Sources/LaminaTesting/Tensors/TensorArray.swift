import CLamina
import LaminaSDK

/// Type, dimensions and layout of a tensor; dimensions below 0 are symbols.
struct TensorForm: Equatable {
    var dtype: DataType
    var dimensions: [Int64]
    var layout: Layouts = .plain

    init(_ dtype: DataType, _ dimensions: [Int64], _ layout: Layouts = .plain) {
        self.dtype = dtype
        self.dimensions = dimensions
        // Below rank 3 there are no channels to move.
        self.layout = dimensions.count >= 3 ? layout : .plain
    }

    init(_ value: TensorValue, _ layout: Layouts = .plain) {
        self.init(value.dtype, value.shape.map(Int64.init), layout)
    }

    var shape: [Int] { dimensions.map { Int($0) } }
    var count: Int { shape.reduce(1, *) }
    var byteCount: Int { count * dtype.size }

    /// Distances in elements, for the logical axes.
    var strides: [Int64] {
        let rank = dimensions.count
        var order = Array(0..<rank)
        if layout == .channelsLast { order = [0] + Array(2..<rank) + [1] }
        var strides = [Int64](repeating: 1, count: rank)
        var step: Int64 = 1
        for axis in order.reversed() {
            strides[axis] = step
            step *= max(dimensions[axis], 1)
        }
        return strides
    }
}

/// A C array of tensors with their memory; nil forms are absent ones.
final class TensorArray {
    let raw: UnsafeMutablePointer<lamina_tensor>
    let forms: [TensorForm?]
    let names: [String]
    private(set) var memory: [GuardedMemory?]
    private var allocations: [UnsafeMutablePointer<Int64>] = []
    /// What lies behind the array, for whoever reads further than it goes: NaN, that must stay so.
    let strange: GuardedMemory?

    /// - Parameter strangers: how many tensors that nobody may touch lie behind the array.
    init(_ forms: [TensorForm?], names: [String], strangers: Int = 0) {
        self.forms = forms
        self.names = names
        memory = Array(repeating: nil, count: forms.count)
        raw = .allocate(capacity: max(forms.count + strangers, 1))
        strange =
            strangers > 0 ? GuardedMemory(bytes: 1 << 16, name: "what lies behind \(names.last ?? "an array")") : nil
        for index in 0..<strangers {
            var tensor = lamina_tensor()
            tensor.device_type = LAMINA_DEVICE_CPU
            tensor.layout = LAMINA_LAYOUT_PLAIN
            tensor.dtype = DataType.float32.raw
            tensor.rank = 1
            (tensor.shape, tensor.strides) = (copy([1]), copy([1]))
            tensor.data = strange?.bytes
            raw[forms.count + index] = tensor
        }
        for (index, form) in forms.enumerated() {
            var tensor = lamina_tensor()
            tensor.device_type = LAMINA_DEVICE_CPU
            tensor.layout = LAMINA_LAYOUT_PLAIN
            if let form {
                tensor.dtype = form.dtype.raw
                tensor.rank = Int32(form.dimensions.count)
                tensor.layout = form.layout.rawValue
                tensor.shape = copy(form.dimensions)
                tensor.strides = copy(form.dimensions.contains { $0 < 0 } ? form.dimensions : form.strides)
            } else {
                // As in hosts, an absent tensor has no shape to go by.
                tensor.flags = LAMINA_TENSOR_ABSENT
                tensor.dtype = DataType.float32.raw
                tensor.shape = copy([])
                tensor.strides = copy([])
            }
            raw[index] = tensor
        }
    }

    deinit {
        allocations.forEach { $0.deallocate() }
        raw.deallocate()
    }

    private func copy(_ values: [Int64]) -> UnsafePointer<Int64> {
        let memory = UnsafeMutablePointer<Int64>.allocate(capacity: max(values.count, 1))
        memory.initialize(from: values, count: values.count)
        allocations.append(memory)
        return UnsafePointer(memory)
    }

    var count: Int { forms.count }

    /// Gives every tensor that is there memory of its own.
    func allocate() {
        for (index, form) in forms.enumerated() {
            if let form { use(GuardedMemory(bytes: form.byteCount, name: names[index]), for: index) }
        }
    }

    func use(_ block: GuardedMemory, for index: Int) {
        memory[index] = block
        raw[index].data = block.bytes
    }

    func setFlag(_ flag: UInt32, _ on: Bool, for index: Int) {
        raw[index].flags = on ? raw[index].flags | flag : raw[index].flags & ~flag
    }

    /// Writes `value` in the tensor's layout.
    func store(_ value: TensorValue, at index: Int) {
        guard let form = forms[index], let memory = memory[index] else { return }
        precondition(
            value.dtype == form.dtype && value.shape == form.shape, "\(names[index]) is \(form), got \(value.shape)")
        let size = form.dtype.size
        value.bytes.withUnsafeBytes { source in
            if form.layout == .plain {
                if !source.isEmpty { memory.bytes.copyMemory(from: source.baseAddress!, byteCount: source.count) }
            } else {
                form.forEachOffset { element, offset in
                    (memory.bytes + offset * size).copyMemory(
                        from: source.baseAddress! + element * size, byteCount: size)
                }
            }
        }
    }

    /// Reads the tensor into logical order; nil when it is absent.
    func value(at index: Int) -> TensorValue? {
        guard let form = forms[index], let memory = memory[index] else { return nil }
        if form.layout == .plain { return TensorValue(form.dtype, form.shape, bytes: memory.contents) }
        let size = form.dtype.size
        var bytes = [UInt8](repeating: 0, count: form.byteCount)
        bytes.withUnsafeMutableBytes { target in
            form.forEachOffset { element, offset in
                (target.baseAddress! + element * size).copyMemory(from: memory.bytes + offset * size, byteCount: size)
            }
        }
        return TensorValue(form.dtype, form.shape, bytes: bytes)
    }
}

extension TensorForm {
    /// Calls `body(element, offset)` for every element in logical order with its place in memory.
    func forEachOffset(_ body: (Int, Int) -> Void) {
        let (shape, strides) = (shape, strides.map { Int($0) })
        var index = [Int](repeating: 0, count: shape.count)
        var offset = 0
        for element in 0..<count {
            body(element, offset)
            for axis in stride(from: shape.count - 1, through: 0, by: -1) {
                index[axis] += 1
                offset += strides[axis]
                if index[axis] < shape[axis] { break }
                offset -= strides[axis] * shape[axis]
                index[axis] = 0
            }
        }
    }
}
