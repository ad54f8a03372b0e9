import CColumns
import LaminaSDK

/// dx = convᵀ(dy, w) where x has few channels, which leaves most of a vector of oneDNN's kernels unused: one matrix product
/// and sums of its columns; see columns.h. One piece's use, each on one thread, with scratch memory of that thread.
final class ColumnSums {
    private let sizes: lamina_columns
    let scratchBytes: Int
    private var lacksMemory = false

    private static let mostChannels = 4

    /// Whether it is faster than oneDNN.
    static func suits(_ shape: ConvolutionShape) -> Bool {
        shape.axes == 2 && shape.groups == 1 && shape.dilation == [1, 1] && shape.channelsLast
            && shape.storedInput == nil && !shape.isEmpty && shape.inputChannels <= mostChannels
            && shape.outputChannels >= 4 * shape.inputChannels
    }

    init(_ shape: ConvolutionShape) {
        var sizes = Self.sizes(shape)
        scratchBytes = Int(lamina_columns_scratch(&sizes)) * 4
        self.sizes = sizes
    }

    static func sizes(_ shape: ConvolutionShape) -> lamina_columns {
        lamina_columns(
            batch: Int64(shape.batch), in_channels: Int64(shape.inputChannels),
            out_channels: Int64(shape.outputChannels), in_height: Int64(shape.input[0]),
            in_width: Int64(shape.input[1]), out_height: Int64(shape.output[0]), out_width: Int64(shape.output[1]),
            kernel_y: Int64(shape.kernel[0]), kernel_x: Int64(shape.kernel[1]), stride_y: Int64(shape.stride[0]),
            stride_x: Int64(shape.stride[1]), before_y: Int64(shape.before[0]), before_x: Int64(shape.before[1]))
    }

    /// dx = convᵀ(dy, w) + bias, with weights in the order of `ColumnWeights`.
    func run(
        _ host: Host, from: UnsafeMutablePointer<Float>, weights: UnsafeMutableRawPointer,
        bias: UnsafeMutablePointer<Float>?, to: UnsafeMutablePointer<Float>
    ) {
        let memory = try? host.scratch(bytes: scratchBytes)
        lacksMemory = memory == nil
        guard let memory else { return }
        withUnsafePointer(to: sizes) {
            lamina_columns_gradient(
                $0, from, weights.assumingMemoryBound(to: Float.self), bias, to,
                memory.assumingMemoryBound(to: Float.self))
        }
    }

    func check() throws {
        if lacksMemory { throw PluginError.memory("no memory for the columns of a convolution") }
    }
}

/// The weights in the order of the columns.
struct ColumnWeights: FormedWeights {
    private let sizes: lamina_columns
    let bytes: Int

    init(_ shape: ConvolutionShape) {
        var sizes = ColumnSums.sizes(shape)
        bytes = Int(lamina_columns_weights_size(&sizes)) * 4
        self.sizes = sizes
    }

    func run(_ host: Host, from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer) {
        let (w, u) = (from.assumingMemoryBound(to: Float.self), to.assumingMemoryBound(to: Float.self))
        withUnsafePointer(to: sizes) { lamina_columns_weights($0, w, u) }
    }
}
