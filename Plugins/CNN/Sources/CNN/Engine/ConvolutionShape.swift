/// The sizes of one convolution: y[n, o, p] = Σ w[o, i, k] · x[n, i, p · stride − before + k · dilation].
///
/// The padding behind the input is what remains: as much as the last output needs. It may be less than what a user
/// gave, when the stride skips the end of the input.
struct ConvolutionShape: Hashable {
    var batch: Int
    var groups: Int
    var inputChannels: Int
    var outputChannels: Int
    /// Spatial sizes, one per axis, as all that follows.
    var input: [Int]
    var output: [Int]
    var kernel: [Int]
    var stride: [Int]
    var dilation: [Int]
    var before: [Int]
    var channelsLast: Bool
    /// The input's spatial sizes in memory, where it goes on behind what the convolution uses; nil: as `input`.
    var storedInput: [Int]?

    var axes: Int { kernel.count }

    /// How much of the input one output sees along an axis: dilation · (kernel − 1) + 1.
    func reach(_ axis: Int) -> Int { dilation[axis] * (kernel[axis] - 1) + 1 }

    /// Padding behind the input, 0 when the last output does not reach the end.
    func after(_ axis: Int) -> Int {
        max(0, (output[axis] - 1) * stride[axis] + reach(axis) - input[axis] - before[axis])
    }

    /// Whether input, padding, kernel and stride give exactly the stated number of outputs along an axis.
    func isConsistent(_ axis: Int) -> Bool {
        let room = input[axis] + before[axis] + after(axis) - reach(axis)
        return room >= 0 && room / stride[axis] + 1 == output[axis]
    }

    /// The same convolution with the end of the input cut off where another output would fit.
    ///
    /// A transposed convolution comes to that when its output padding exceeds the stride.
    func cropped() -> ConvolutionShape {
        var shape = self
        for axis in 0..<axes where !isConsistent(axis) {
            shape.input[axis] = (output[axis] - 1) * stride[axis] + reach(axis) - before[axis]
            shape.storedInput = input
        }
        return shape
    }

    /// Elements of one sample.
    var inputElements: Int { inputChannels * (storedInput ?? input).reduce(1, *) }
    var outputElements: Int { outputChannels * output.reduce(1, *) }
    var weightElements: Int { outputChannels * (inputChannels / groups) * kernel.reduce(1, *) }

    var isEmpty: Bool { batch == 0 || inputElements == 0 || outputElements == 0 }

    /// Floating-point operations of one direction: forward, gradient of the input, or gradient of the weights.
    var flops: Double {
        2 * Double(batch) * Double(outputElements) * Double(inputChannels / groups) * Double(kernel.reduce(1, *))
    }

    /// For messages: "a convolution of [8, 3, 32, 32] with [16, 3, 5, 5]".
    var text: String {
        "a convolution of \([batch, inputChannels] + input) with \([outputChannels, inputChannels / groups] + kernel)"
            + " (stride \(stride), dilation \(dilation), padding \(before), groups \(groups))"
    }
}
