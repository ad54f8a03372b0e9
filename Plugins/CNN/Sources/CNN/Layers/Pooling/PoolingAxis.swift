/// The windows of a pooling along one axis: which inputs each output sees.
struct PoolingAxis {
    let input: Int
    let output: Int
    /// Distance between the inputs of a window.
    let step: Int
    /// Per output: its first input, and one past its last; equal when the window lies beside the input.
    let begin: [Int]
    let end: [Int]
    /// Per output: the size of its window, padding counted.
    let extent: [Int]
    /// The largest number of inputs in a window.
    let mostInputs: Int
    /// Every input is seen by exactly one window.
    let isPartition: Bool

    private init(input: Int, output: Int, step: Int, begin: [Int], end: [Int], extent: [Int]) {
        (self.input, self.output, self.step) = (input, output, step)
        (self.begin, self.end, self.extent) = (begin, end, extent)
        isPartition =
            step == 1 && begin.first == 0 && end.last == input && zip(end, begin.dropFirst()).allSatisfy { $0 == $1 }
        mostInputs = zip(begin, end).reduce(0) { max($0, ($1.1 - $1.0 + step - 1) / step) }
    }

    /// Windows of `kernel` inputs that move by `stride`.
    static func sliding(
        input: Int, output: Int, kernel: Int, stride: Int, dilation: Int, before: Int, after: Int
    ) -> PoolingAxis {
        let reach = dilation * (kernel - 1) + 1
        let starts = (0..<output).map { $0 * stride - before }
        // A window that starts in the padding goes on in its own steps.
        let begin = starts.map { $0 >= 0 ? $0 : $0 + (dilation - 1 - $0) / dilation * dilation }
        let end = zip(starts, begin).map { start, begin in max(begin, min(start + reach, input)) }
        let extent = starts.map { min($0 + reach, input + after) - $0 }
        return PoolingAxis(input: input, output: output, step: dilation, begin: begin, end: end, extent: extent)
    }

    /// Windows ⌊o · input / output⌋ ..< ⌈(o + 1) · input / output⌉, which cover the input whatever its size.
    static func adaptive(input: Int, output: Int) -> PoolingAxis {
        let begin = (0..<output).map { $0 * input / output }
        let end = (0..<output).map { (($0 + 1) * input + output - 1) / output }
        return PoolingAxis(
            input: input, output: output, step: 1, begin: begin, end: end, extent: zip(begin, end).map { $1 - $0 })
    }

    /// An axis that the layer does not have.
    static let missing = adaptive(input: 1, output: 1)
}
