import CLaminaMath
import LaminaSDK

/// Sums over memory of [rows, channels, places]: of a gradient per channel, and of its products with another tensor.
///
/// Rows are cut into chunks that depend on the shape alone, whose sums are added in order: the same bits on any number of
/// threads.
struct ChannelSums {
    let rows, channels, places: Int

    /// Rows per task: about 16,384 elements, but so few that single precision does for their sum.
    var grain: Int { max(1, min(512, 16384 / max(1, channels * places))) }
    private var chunks: Int { (rows + grain - 1) / grain }
    /// Products first, then a row of sums per chunk.
    var workspaceBytes: Int { chunks * 8 + chunks * channels * 4 + channels * 8 }

    /// Hands over the sum of dy · y, and of each channel's dy, all in double precision.
    func compute(
        _ dy: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>?, workspace: UnsafeMutableRawPointer,
        _ host: Host, _ result: (_ product: Double, _ sums: UnsafePointer<Double>) -> Void
    ) {
        let products = workspace.assumingMemoryBound(to: Double.self)
        let totals = products + chunks
        let partials = (workspace + (chunks + channels) * 8).assumingMemoryBound(to: Float.self)
        host.parallelFor(rows, grain: grain) { begin, end in
            let chunk = begin / grain
            let (first, count) = (begin &* channels &* places, (end &- begin) &* channels &* places)
            products[chunk] = y.map { lamina_math_dot(dy + first, $0 + first, Int64(count)) } ?? 0
            add(dy, begin, end, to: partials + chunk &* channels)
        }
        var product = 0.0
        for c in 0..<channels { totals[c] = 0 }
        for chunk in 0..<chunks {
            product += products[chunk]
            for c in 0..<channels { totals[c] += Double(partials[chunk &* channels &+ c]) }
        }
        result(product, totals)
    }

    private func add(
        _ dy: UnsafeMutablePointer<Float>, _ begin: Int, _ end: Int, to sums: UnsafeMutablePointer<Float>
    ) {
        lamina_math_fill(0, sums, Int64(channels))
        for row in begin..<end {
            let from = dy + row &* channels &* places
            if places == 1 {
                lamina_math_add(sums, from, sums, Int64(channels))
            } else {
                for c in 0..<channels { sums[c] += Float(lamina_math_sum(from + c &* places, Int64(places))) }
            }
        }
    }
}
