import Glibc
import LaminaSDK

/// Sines and cosines of positions in a plan's persistent memory, made when a forward first needs them.
///
/// A plan for sequences that come step by step has room for all steps that there may be, and makes rows as sequences
/// grow: memory that nothing was written to costs nothing.
/// Position p turns pair i by p · base^(-2 i / size); in double, as floats are wrong by more than 1e-4 from position
/// 2000 on.
struct PositionTable {
    private let count, steps: Int
    /// Floats of a row, one per position.
    let width: Int
    let base: Double
    /// In front of the rows: how many of them are there.
    private static let head = 64

    /// - Parameter steps: those of the input.
    init(_ planning: Planning, steps: Int, width: Int, base: Double) {
        (count, self.steps) = (planning.cacheSteps > 0 ? planning.cacheSteps : steps, steps)
        (self.width, self.base) = (width, base)
        planning.setPersistent(bytes: Self.head + count * width * 4)
        planning.allowSteps()
    }

    /// How many rows there are to be where `needed` are, of `count` at most: twice as many as before, so that steps of one
    /// token seldom make any.
    static func rows(made: Int, needed: Int, count: Int) -> Int {
        needed <= made ? made : min(count, max(needed, 2 * made))
    }

    /// The rows from the run's first step on. `fill` gets row 0, the pair's number, its cosine and sine, for all pairs of `size` features.
    func rows(
        _ run: Run, size: Int,
        fill: (_ row: UnsafeMutablePointer<Float>, _ pair: Int, _ cosine: Float, _ sine: Float) -> Void
    ) -> UnsafeMutablePointer<Float> {
        let made = run.persistent.assumingMemoryBound(to: Int64.self)
        let rows = (run.persistent + Self.head).assumingMemoryBound(to: Float.self)
        let first = Int(made.pointee)
        let end = Self.rows(made: first, needed: run.past &+ steps, count: count)
        if first == end { return rows + run.past &* width }
        let pairs = (size + 1) / 2
        run.host.parallelFor(pairs, grain: max(1, 1024 / (end &- first))) { begin, last in
            for pair in begin..<last {
                let frequency = pow(base, -2 * Double(pair) / Double(size))
                for row in first..<end {
                    let angle = Double(row) * frequency
                    fill(rows + row &* width, pair, Float(cos(angle)), Float(sin(angle)))
                }
            }
        }
        made.pointee = Int64(end)
        return rows + run.past &* width
    }
}
