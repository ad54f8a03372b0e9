import CLaminaMath
import Glibc
import LaminaSDK

/// Elements of one chunk of an elementwise kernel: large enough to hide the cost of waking a thread.
let elementGrain = 16384

extension Inference {
    /// The shape of an input of features per step, [N, T, D].
    func sequence(_ index: Int, _ what: String) throws -> [Dimension] {
        try require(index, .float32)
        let shape = shape(index)
        guard shape.count == 3 else {
            throw PluginError.shape(
                "the \(what) has shape \(host.text(shape)), wanted [N, time, features]", input: index)
        }
        return shape
    }
}

/// The gradient of what nothing depends on: 0, unless it is added to.
func clearGradient(_ gradient: Tensor) {
    if gradient.isAbsent || gradient.accumulates || gradient.count == 0 { return }
    memset(gradient.floats, 0, gradient.count * 4)
}

/// The same for the first `count` parameters.
func clearParameterGradients(_ run: Run, _ count: Int) {
    for index in 0..<count { clearGradient(run.parameterGradient(index)) }
}

/// dx = factor · dy, or dx += factor · dy.
func scaleGradient(_ run: Run, by factor: Float) {
    let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
    if dx.isAbsent || dx.count == 0 { return }
    let (from, to, accumulates) = (dy.floats, dx.floats, dx.accumulates)
    if from == to && factor == 1 && !accumulates { return }
    run.host.parallelFor(dx.count, grain: elementGrain) { begin, end in
        if accumulates {
            lamina_math_axpy(factor, from + begin, to + begin, Int64(end &- begin))
        } else {
            lamina_math_scale(factor, from + begin, to + begin, Int64(end &- begin))
        }
    }
}

/// out = Σ x[r, begin ..< end] over the rows, or added to it: in their order, so that threads do not show.
func sumRows(
    _ x: UnsafePointer<Float>, rows: Int, stride: Int, _ begin: Int, _ end: Int,
    into out: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    let count = Int64(end &- begin)
    var row = 0
    if !accumulate {
        guard rows > 0 else {
            memset(out + begin, 0, Int(count) * 4)
            return
        }
        memcpy(out + begin, x + begin, Int(count) * 4)
        row = 1
    }
    while row < rows {
        lamina_math_add(out + begin, x + (row &* stride &+ begin), out + begin, count)
        row &+= 1
    }
}
