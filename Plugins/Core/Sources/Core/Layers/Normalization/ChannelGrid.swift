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
    /// Interleaved: so many positions are taken as one with `fold` times the channels, which fill whole vectors.
    let fold: Int
    /// Positions of a piece, a multiple of `fold`; the last one of an instance may be shorter.
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
        // The least number that makes fold · channels a multiple of 16.
        let shared = min(16, 1 << max(channels, 1).trailingZeroBitCount)
        fold = isInterleaved ? 16 / shared : 1
        // Small enough for the cache, as each piece is read twice; large enough to make the partial rows few.
        let wanted = isInterleaved ? max(64, elementGrain / max(channels, 1) / 16 * 16) : elementGrain
        piece = max(1, min(positions, wanted))
        pieces = (positions + piece - 1) / piece
    }

    /// Partial rows of a piece: one per folded position, and one for the positions that are left over.
    private var rowsOfPiece: Int { fold > 1 ? fold + 1 : 1 }

    var partials: Int { instances * pieces * rowsOfPiece }
    /// Elements per channel.
    var elements: Int { instances * positions }
    var count: Int { elements * channels }

    /// The number of positions that row `partial` was made from; may be 0.
    func positions(of partial: Int) -> Int {
        let length = min(piece, positions - partial / rowsOfPiece % pieces * piece)
        if fold == 1 { return length }
        return partial % rowsOfPiece < fold ? length / fold : length % fold
    }

    /// The partial rows of one instance.
    func partials(of instance: Int) -> Range<Int> {
        instance * pieces * rowsOfPiece..<(instance + 1) * pieces * rowsOfPiece
    }

    // MARK: Loops

    /// A contiguous matrix of `rows` × `width`, whose sums go to partial row `partial` and those that follow.
    private struct Matrix {
        let partial: Int
        let instance: Int
        let start: Int
        let rows: Int
        let width: Int
    }

    /// Interleaved: calls `body` for each piece, twice if positions are folded.
    private func forEachMatrix(_ host: Host, _ body: (Matrix) -> Void) {
        host.parallelFor(instances * pieces, grain: max(1, elementGrain / max(1, piece * channels))) { begin, end in
            for index in begin..<end {
                let instance = index / pieces
                let first = index % pieces &* piece
                let length = min(piece, positions &- first)
                let start = (instance &* positions &+ first) &* channels
                let partial = index &* rowsOfPiece
                let rows = length / fold
                body(Matrix(partial: partial, instance: instance, start: start, rows: rows, width: fold &* channels))
                if fold == 1 { continue }
                let done = rows &* fold
                body(
                    Matrix(
                        partial: partial &+ fold, instance: instance, start: start &+ done &* channels,
                        rows: length &- done, width: channels))
            }
        }
    }

    /// Not interleaved: calls `body` for each piece of each channel, a contiguous run.
    @inline(__always)
    private func forEachRun(
        _ host: Host,
        _ body: (_ partial: Int, _ instance: Int, _ channel: Int, _ start: Int, _ length: Int) -> Void
    ) {
        host.parallelFor(instances * channels * pieces, grain: max(1, elementGrain / piece)) { begin, end in
            for unit in begin..<end {
                let (line, part) = (unit / pieces, unit % pieces)
                let (instance, channel) = (line / channels, line % channels)
                let first = part &* piece
                body(
                    instance &* pieces &+ part, instance, channel, line &* positions &+ first,
                    min(piece, positions &- first))
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
            forEachMatrix(host) { matrix in
                let (x, at, rows, width) = (x + matrix.start, matrix.partial &* channels, matrix.rows, matrix.width)
                forEachVector(width) { c, remaining in
                    let sum = columnSum(rows) { x.vector($0 &* width &+ c, remaining) }
                    let average = sum / Float(max(rows, 1))
                    let squares = columnSum(rows) { row -> Vector in
                        let d = x.vector(row &* width &+ c, remaining) - average
                        return d * d
                    }
                    mean.store(average, at &+ c, remaining)
                    deviation.store(squares, at &+ c, remaining)
                }
            }
        } else {
            forEachRun(host) { partial, _, channel, start, length in
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

    /// Σ dy and Σ dy · (x − center), per piece and channel.
    func gradientSums(
        _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ coefficients: ChannelCoefficients,
        sum: UnsafeMutablePointer<Float>, product: UnsafeMutablePointer<Float>, _ host: Host
    ) {
        if isInterleaved {
            forEachMatrix(host) { matrix in
                let (x, dy, at) = (x + matrix.start, dy + matrix.start, matrix.partial &* channels)
                let (rows, width) = (matrix.rows, matrix.width)
                let center = coefficients.at(matrix.instance).center
                forEachVector(width) { c, remaining in
                    let middle = center.vector(c, remaining)
                    let total = columnSum(rows) { dy.vector($0 &* width &+ c, remaining) }
                    let products = columnSum(rows) { row -> Vector in
                        let i = row &* width &+ c
                        return dy.vector(i, remaining) * (x.vector(i, remaining) - middle)
                    }
                    sum.store(total, at &+ c, remaining)
                    product.store(products, at &+ c, remaining)
                }
            }
        } else {
            forEachRun(host) { partial, instance, channel, start, length in
                let (x, dy) = (x + start, dy + start)
                let middle = coefficients.at(instance).center[channel]
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

    /// y = (x − center) · a + b. `finished` is told of every piece.
    func scale(
        _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ coefficients: ChannelCoefficients, _ host: Host,
        finished: (_ start: Int, _ count: Int) -> Void = { _, _ in }
    ) {
        if isInterleaved {
            forEachMatrix(host) { matrix in
                let (m, a, b, _) = coefficients.at(matrix.instance)
                var offset = matrix.start
                for _ in 0..<matrix.rows {
                    let (x, y) = (x + offset, y + offset)
                    forEachVector(matrix.width) { i, remaining in
                        let centered = x.vector(i, remaining) - m.vector(i, remaining)
                        y.store(centered * a.vector(i, remaining) + b.vector(i, remaining), i, remaining)
                    }
                    offset &+= matrix.width
                }
                finished(matrix.start, matrix.rows &* matrix.width)
            }
        } else {
            forEachRun(host) { _, instance, channel, start, length in
                let at = coefficients.at(instance)
                let (x, y, m, a, b) = (x + start, y + start, at.center[channel], at.a[channel], at.b[channel])
                forEachVector(length) { i, remaining in y.store((x.vector(i, remaining) - m) * a + b, i, remaining) }
                finished(start, length)
            }
        }
    }

    /// The same for elements in the order of memory, with one set of coefficients.
    func scale(
        _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ coefficients: ChannelCoefficients,
        _ range: Range<Int>
    ) {
        let (center, a, b, _) = coefficients.at(0)
        var start = range.lowerBound
        while start < range.upperBound {
            let (x, y) = (x + start, y + start)
            if isInterleaved {
                let channel = start % channels
                let length = min(channels &- channel, range.upperBound &- start)
                let (m, a, b) = (center + channel, a + channel, b + channel)
                forEachVector(length) { i, remaining in
                    let centered = x.vector(i, remaining) - m.vector(i, remaining)
                    y.store(centered * a.vector(i, remaining) + b.vector(i, remaining), i, remaining)
                }
                start &+= length
            } else {
                let (line, place) = (start / positions, start % positions)
                let length = min(positions &- place, range.upperBound &- start)
                let channel = line % channels
                let (m, a, b) = (center[channel], a[channel], b[channel])
                forEachVector(length) { i, remaining in y.store((x.vector(i, remaining) - m) * a + b, i, remaining) }
                start &+= length
            }
        }
    }

    /// dx = dy · a + ((x − center) · b + c), or added to dx.
    func gradient(
        _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
        _ coefficients: ChannelCoefficients, accumulate: Bool, _ host: Host
    ) {
        if isInterleaved {
            forEachMatrix(host) { matrix in
                let (m, a, b, c) = coefficients.at(matrix.instance)
                var offset = matrix.start
                for _ in 0..<matrix.rows {
                    let (x, dy, dx) = (x + offset, dy + offset, dx + offset)
                    forEachVector(matrix.width) { i, remaining in
                        let centered = x.vector(i, remaining) - m.vector(i, remaining)
                        let value =
                            dy.vector(i, remaining) * a.vector(i, remaining)
                            + (centered * b.vector(i, remaining) + c.vector(i, remaining))
                        dx.store(value, i, remaining, accumulate: accumulate)
                    }
                    offset &+= matrix.width
                }
            }
        } else {
            forEachRun(host) { _, instance, channel, start, length in
                let at = coefficients.at(instance)
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
