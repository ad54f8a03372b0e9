import LaminaSDK

/// A tensor as normalisations see it: instances × positions × channels, in either layout, and loops over it.
///
/// Sums are taken over pieces of an instance that depend on the shape alone, and written to `partials` rows of
/// `channels` values; whoever combines the rows in order gets the same bits on any number of threads.
struct ChannelGrid {
    let instances: Int
    let positions: Int
    let channels: Int
    /// Channels are innermost, [instance, position, channel]; otherwise positions, [instance, channel, position].
    private let isInterleaved: Bool
    /// Positions of a piece; the last one of an instance may be shorter.
    private let piece: Int
    private let pieces: Int

    /// `mergesInstances`: statistics run over the batch, too, so the instances may be taken together where that helps.
    init(_ x: Tensor, mergesInstances: Bool) {
        let batch = x.size(0)
        let spatial = x.product(2, x.rank)
        channels = x.size(1)
        isInterleaved = x.isChannelsLast || spatial == 1
        let merges = mergesInstances && isInterleaved
        (instances, positions) = merges ? (1, batch * spatial) : (batch, spatial)
        // Small enough for the cache, as each piece is read twice; large enough to make the partial rows few.
        let wanted = isInterleaved ? max(64, elementGrain / max(channels, 1)) : elementGrain
        piece = max(1, min(positions, wanted))
        pieces = (positions + piece - 1) / piece
    }

    var partials: Int { instances * pieces }
    /// Elements per channel.
    var elements: Int { instances * positions }
    var count: Int { elements * channels }

    /// The number of positions that row `partial` was made from.
    func positions(of partial: Int) -> Int {
        min(piece, positions - partial % pieces * piece)
    }

    /// The partial rows of one instance.
    func partials(of instance: Int) -> Range<Int> { instance * pieces..<(instance + 1) * pieces }

    // MARK: Loops

    /// Interleaved: calls `body(partial, start, rows)` for each piece, a matrix of `rows` × channels.
    @inline(__always)
    private func forEachMatrix(_ host: Host, _ body: (_ partial: Int, _ start: Int, _ rows: Int) -> Void) {
        host.parallelFor(partials, grain: max(1, elementGrain / max(1, piece * channels))) { begin, end in
            var partial = begin
            while partial < end {
                let start = (partial / pieces &* positions &+ partial % pieces &* piece) &* channels
                body(partial, start, positions(of: partial))
                partial &+= 1
            }
        }
    }

    /// Not interleaved: calls `body(partial, channel, start, length)` for each piece of each channel, a contiguous run.
    @inline(__always)
    private func forEachRun(
        _ host: Host, _ body: (_ partial: Int, _ channel: Int, _ start: Int, _ length: Int) -> Void
    ) {
        host.parallelFor(instances * channels * pieces, grain: max(1, elementGrain / piece)) { begin, end in
            var unit = begin
            while unit < end {
                let (line, part) = (unit / pieces, unit % pieces)
                let (instance, channel) = (line / channels, line % channels)
                let partial = instance &* pieces &+ part
                body(partial, channel, line &* positions &+ part &* piece, positions(of: partial))
                unit &+= 1
            }
        }
    }

    // MARK: Sums

    /// Mean and sum of squared deviations from it, per piece and channel.
    ///
    /// Both come from two passes over a piece in the cache, so that nothing cancels, however large the mean.
    func moments(
        _ x: UnsafePointer<Float>, mean: UnsafeMutablePointer<Float>, deviation: UnsafeMutablePointer<Float>,
        _ host: Host
    ) {
        if isInterleaved {
            forEachMatrix(host) { partial, start, rows in
                let (x, at) = (x + start, partial &* channels)
                forEachVector(channels) { c, remaining in
                    let average = columnSum(rows) { x.vector($0 &* channels &+ c, remaining) } / Float(rows)
                    let squares = columnSum(rows) { row -> Vector in
                        let d = x.vector(row &* channels &+ c, remaining) - average
                        return d * d
                    }
                    mean.store(average, at &+ c, remaining)
                    deviation.store(squares, at &+ c, remaining)
                }
            }
        } else {
            forEachRun(host) { partial, channel, start, length in
                let x = x + start
                var sum = Vector()
                forEachVector(length) { i, remaining in sum += x.vector(i, remaining) }
                let average = sum.sum() / Float(length)
                var squares = Vector()
                forEachVector(length) { i, remaining in
                    let d = masked(x.vector(i, remaining) - average, remaining, 0)
                    squares += d * d
                }
                mean[partial &* channels &+ channel] = average
                deviation[partial &* channels &+ channel] = squares.sum()
            }
        }
    }

    /// Σ dy and Σ dy · (x − center), per piece and channel. `center` has a value per channel, and per instance if
    /// `centerStride` is the number of channels rather than 0.
    func gradientSums(
        _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, center: UnsafePointer<Float>, centerStride: Int,
        sum: UnsafeMutablePointer<Float>, product: UnsafeMutablePointer<Float>, _ host: Host
    ) {
        if isInterleaved {
            forEachMatrix(host) { partial, start, rows in
                let (x, dy, at) = (x + start, dy + start, partial &* channels)
                let center = center + partial / pieces &* centerStride
                forEachVector(channels) { c, remaining in
                    let middle = center.vector(c, remaining)
                    let total = columnSum(rows) { dy.vector($0 &* channels &+ c, remaining) }
                    let products = columnSum(rows) { row -> Vector in
                        let i = row &* channels &+ c
                        return dy.vector(i, remaining) * (x.vector(i, remaining) - middle)
                    }
                    sum.store(total, at &+ c, remaining)
                    product.store(products, at &+ c, remaining)
                }
            }
        } else {
            forEachRun(host) { partial, channel, start, length in
                let (x, dy) = (x + start, dy + start)
                let middle = center[partial / pieces &* centerStride &+ channel]
                var (total, products) = (Vector(), Vector())
                forEachVector(length) { i, remaining in
                    let g = dy.vector(i, remaining)
                    total += g
                    products += g * (x.vector(i, remaining) - middle)
                }
                sum[partial &* channels &+ channel] = total.sum()
                product[partial &* channels &+ channel] = products.sum()
            }
        }
    }

    // MARK: Elementwise

    // Both subtract a center first: where the mean is far from 0, x · a − mean · a would cancel.

    /// y = (x − center) · a + b.
    func scale(
        _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ coefficients: ChannelCoefficients, _ host: Host
    ) {
        if isInterleaved {
            forEachMatrix(host) { partial, start, rows in
                let (m, a, b, _) = coefficients.at(partial / pieces)
                var row = 0
                while row < rows {
                    let (x, y) = (x + (start &+ row &* channels), y + (start &+ row &* channels))
                    forEachVector(channels) { i, remaining in
                        let centered = x.vector(i, remaining) - m.vector(i, remaining)
                        y.store(centered * a.vector(i, remaining) + b.vector(i, remaining), i, remaining)
                    }
                    row &+= 1
                }
            }
        } else {
            forEachRun(host) { partial, channel, start, length in
                let at = coefficients.at(partial / pieces)
                let (x, y, m, a, b) = (x + start, y + start, at.center[channel], at.a[channel], at.b[channel])
                forEachVector(length) { i, remaining in y.store((x.vector(i, remaining) - m) * a + b, i, remaining) }
            }
        }
    }

    /// dx = dy · a + ((x − center) · b + c), or added to dx.
    func gradient(
        _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
        _ coefficients: ChannelCoefficients, accumulate: Bool, _ host: Host
    ) {
        if isInterleaved {
            forEachMatrix(host) { partial, start, rows in
                let (m, a, b, c) = coefficients.at(partial / pieces)
                var row = 0
                while row < rows {
                    let offset = start &+ row &* channels
                    let (x, dy, dx) = (x + offset, dy + offset, dx + offset)
                    forEachVector(channels) { i, remaining in
                        let centered = x.vector(i, remaining) - m.vector(i, remaining)
                        let value =
                            dy.vector(i, remaining) * a.vector(i, remaining)
                            + (centered * b.vector(i, remaining) + c.vector(i, remaining))
                        dx.store(value, i, remaining, accumulate: accumulate)
                    }
                    row &+= 1
                }
            }
        } else {
            forEachRun(host) { partial, channel, start, length in
                let at = coefficients.at(partial / pieces)
                let (x, dy, dx) = (x + start, dy + start, dx + start)
                let (m, a, b, c) = (at.center[channel], at.a[channel], at.b[channel], at.c[channel])
                forEachVector(length) { i, remaining in
                    let value = dy.vector(i, remaining) * a + ((x.vector(i, remaining) - m) * b + c)
                    dx.store(value, i, remaining, accumulate: accumulate)
                }
            }
        }
    }
}

/// Values per channel, and per instance if `stride` is the number of channels rather than 0.
struct ChannelCoefficients {
    let center: UnsafeMutablePointer<Float>
    let a: UnsafeMutablePointer<Float>
    let b: UnsafeMutablePointer<Float>
    let c: UnsafeMutablePointer<Float>
    private let stride: Int

    /// Room for a, b and c at `memory`, `size` values each.
    init(
        center: UnsafeMutablePointer<Float>, _ memory: UnsafeMutablePointer<Float>, size: Int, stride: Int
    ) {
        self.center = center
        (a, b, c) = (memory, memory + size, memory + 2 * size)
        self.stride = stride
    }

    /// Those of one instance.
    @inline(__always)
    func at(
        _ instance: Int
    ) -> (
        center: UnsafeMutablePointer<Float>, a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>,
        c: UnsafeMutablePointer<Float>
    ) {
        let offset = instance &* stride
        return (center + offset, a + offset, b + offset, c + offset)
    }
}

/// Σ_row value(row), in blocks of 64 rows, which bounds rounding errors.
@inline(__always)
private func columnSum(_ rows: Int, _ value: (Int) -> Vector) -> Vector {
    var (sum, row) = (Vector(), 0)
    while row < rows {
        let last = min(rows, row &+ 64)
        var block = Vector()
        while row < last {
            block += value(row)
            row &+= 1
        }
        sum += block
    }
    return sum
}

extension ChannelGrid {
    /// Mean and variance (without Bessel's correction) of a set, from the means and deviations of its pieces.
    ///
    /// Chan, Golub, LeVeque: Updating Formulae and a Pairwise Algorithm (1979).
    @inline(__always)
    func combine(
        partials: Range<Int>, channels range: Range<Int>, mean: UnsafePointer<Float>, deviation: UnsafePointer<Float>
    ) -> (mean: Double, variance: Double) {
        var (total, weight) = (0.0, 0.0)
        for partial in partials {
            let n = Double(positions(of: partial))
            for channel in range { total += n * Double(mean[partial &* channels &+ channel]) }
            weight += n * Double(range.count)
        }
        let average = total / weight
        var squares = 0.0
        for partial in partials {
            let n = Double(positions(of: partial))
            for channel in range {
                let at = partial &* channels &+ channel
                let d = Double(mean[at]) - average
                squares += Double(deviation[at]) + n * d * d
            }
        }
        return (average, squares / weight)
    }

    /// The sum of a partial result over pieces.
    @inline(__always)
    func combine(partials: Range<Int>, channel: Int, _ values: UnsafePointer<Float>) -> Double {
        var total = 0.0
        for partial in partials { total += Double(values[partial &* channels &+ channel]) }
        return total
    }
}
