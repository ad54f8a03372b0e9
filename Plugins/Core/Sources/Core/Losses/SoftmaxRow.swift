import CLaminaMath
import Glibc
import LaminaSDK

/// Greatest logit and log Σ exp(x − maximum) of a row: log p = (x − maximum) − logSum.
///
/// Two numbers are kept rather than their sum, which would round away the digits of logSum next to a large maximum.
struct SoftmaxRow {
    var maximum: Float
    var logSum: Float

    /// Of the `classes` logits at `x`, `stride` apart; `buffer` has room for `LossBlock.size` floats.
    init(_ x: UnsafePointer<Float>, classes: Int, stride: Int, buffer: UnsafeMutablePointer<Float>) {
        if stride == 1 {
            maximum = lamina_math_max(x, Int64(classes))
        } else {
            maximum = -.infinity
            for c in 0..<classes where x[c &* stride] > maximum { maximum = x[c &* stride] }
        }
        var sum = 0.0
        var first = 0
        while first < classes {
            let count = min(LossBlock.size, classes - first)
            subtract(maximum, from: x + first * stride, stride, into: buffer, count)
            lamina_math_exp(buffer, buffer, Int64(count))
            sum += lamina_math_sum(buffer, Int64(count))
            first += count
        }
        logSum = Float(log(sum))
    }

    /// log p of one logit.
    @inline(__always)
    func logProbability(_ x: Float) -> Float { (x - maximum) - logSum }

    /// log p of `count` logits into `out`.
    @inline(__always)
    func logProbabilities(_ x: UnsafePointer<Float>, _ stride: Int, into out: UnsafeMutablePointer<Float>, _ count: Int)
    {
        subtract(maximum, from: x, stride, into: out, count)
        for i in 0..<count { out[i] -= logSum }
    }
}

@inline(__always)
private func subtract(
    _ value: Float, from x: UnsafePointer<Float>, _ stride: Int, into out: UnsafeMutablePointer<Float>, _ count: Int
) {
    if stride == 1 {
        for i in 0..<count { out[i] = x[i] - value }
    } else {
        for i in 0..<count { out[i] = x[i &* stride] - value }
    }
}
