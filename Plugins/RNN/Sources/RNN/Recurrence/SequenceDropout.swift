import LaminaSDK

/// Dropout between stacked layers: each element becomes 0 with probability `rate`, the others are divided by 1 − rate.
///
/// The same call in backward drops the gradients of the same elements, as the random numbers are the same.
/// Zaremba, Sutskever, Vinyals: Recurrent Neural Network Regularization (2014).
struct SequenceDropout {
    private let threshold: UInt32
    private let scale: Float
    /// Random words at a time: as many as Swift puts on the stack.
    private static let block = 256

    init(rate: Double) {
        threshold = UInt32(min(rate * 4294967296, 4294967295))
        scale = rate < 1 ? Float(1 / (1 - rate)) : 0
    }

    /// Drops from `count` numbers; `layer` is the one whose outputs they are, or their gradients.
    func apply(_ run: Run, layer: Int, _ values: UnsafeMutablePointer<Float>, _ count: Int) {
        let (threshold, scale) = (threshold, scale)
        run.host.parallelFor(count, grain: 64 * Self.block) { begin, end in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.block) { buffer in
                let words = buffer.baseAddress!
                var first = begin
                while first < end {
                    let part = min(Self.block, end &- first)
                    run.host.bits(run.random, first: layer &* count &+ first, into: words, count: part)
                    for i in 0..<part { values[first &+ i] = words[i] < threshold ? 0 : values[first &+ i] * scale }
                    first &+= part
                }
            }
        }
    }
}
