import LaminaSDK

/// Dropout as a part of a layer: y = x · m / (1 − rate), each m 0 with probability `rate`, else 1.
///
/// The stream of the call gives the same mask in a forward and its backward, so that none is kept.
struct RandomMask {
    /// rate · 2³²: a random word below it drops its element.
    private let threshold: UInt32
    private let scale: Float
    private static let block = 256

    /// - Parameter rate: below 1.
    init(rate: Double) {
        threshold = UInt32(rate * 4_294_967_296)
        scale = Float(1 / (1 - rate))
    }

    /// `y` may be `x`.
    func apply(_ run: Run, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
        let random = run.random
        run.host.parallelFor(count, grain: elementGrain) { begin, end in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.block) { words in
                let words = words.baseAddress!
                var first = begin
                while first < end {
                    let length = min(end &- first, Self.block)
                    run.host.bits(random, first: first, into: words, count: length)
                    for i in 0..<length { y[first &+ i] = words[i] < threshold ? 0 : x[first &+ i] * scale }
                    first &+= length
                }
            }
        }
    }
}
