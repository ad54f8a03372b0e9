import CLamina
import LaminaSDK

/// An array of tensors for the ABI, with the memory of their shapes and strides.
package final class DescriptorArray {
    package let base: UnsafeMutablePointer<lamina_tensor>
    package let count: Int
    private let dimensions: UnsafeMutablePointer<Int64>
    private static let rank = LayerInstance.maximumRank

    package init(count: Int) {
        self.count = count
        base = .allocate(capacity: max(count, 1))
        base.initialize(repeating: lamina_tensor(), count: max(count, 1))
        dimensions = .allocate(capacity: max(count, 1) * 2 * Self.rank)
        dimensions.initialize(repeating: 0, count: max(count, 1) * 2 * Self.rank)
    }

    deinit {
        base.deallocate()
        dimensions.deallocate()
    }

    /// Describes tensor `index`; nil is absent. Data stays NULL.
    package func describe(_ index: Int, _ spec: TensorSpec?, layout: UInt32 = LAMINA_LAYOUT_PLAIN, flags: UInt32 = 0) {
        let shape = dimensions + index * 2 * Self.rank
        let strides = shape + Self.rank
        var tensor = lamina_tensor()
        tensor.device_type = LAMINA_DEVICE_CPU
        tensor.layout = layout
        tensor.shape = UnsafePointer(shape)
        tensor.strides = UnsafePointer(strides)
        if let spec {
            tensor.rank = Int32(spec.shape.count)
            tensor.dtype = spec.dtype.raw
            tensor.flags = flags
            for (axis, size) in spec.shape.enumerated() { shape[axis] = size }
            Self.fillStrides(strides, spec.shape, layout)
        } else {
            tensor.dtype = DataType.float32.raw
            tensor.flags = flags | LAMINA_TENSOR_ABSENT
        }
        base[index] = tensor
    }

    /// Strides in elements. In channels-last the order in memory is N, spatial…, C.
    private static func fillStrides(_ strides: UnsafeMutablePointer<Int64>, _ shape: [Int64], _ layout: UInt32) {
        var order = Array(shape.indices)
        if layout == LAMINA_LAYOUT_CHANNELS_LAST, shape.count >= 3 { order = [0] + order[2...] + [1] }
        var stride: Int64 = 1
        for axis in order.reversed() {
            strides[axis] = stride
            stride = stride.multipliedReportingOverflow(by: max(shape[axis], 1)).partialValue
        }
    }
}
