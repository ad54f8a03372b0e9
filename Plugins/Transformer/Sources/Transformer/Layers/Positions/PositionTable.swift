import Glibc
import LaminaSDK

/// Sines and cosines of positions in a plan's persistent memory, made at the plan's first forward.
///
/// A plan for sequences that come step by step has those of all steps that there may be.
/// Position p turns pair i by p · base^(-2 i / size); in double, as floats are wrong by more than 1e-4 from position
/// 2000 on.
struct PositionTable {
    private let count: Int
    /// Floats of a row, one per position.
    let width: Int
    let base: Double
    /// In front of the rows: whether they are there.
    private static let head = 64

    /// - Parameter steps: those of the input.
    init(_ planning: Planning, steps: Int, width: Int, base: Double) {
        (count, self.width, self.base) = (planning.cacheSteps > 0 ? planning.cacheSteps : steps, width, base)
        planning.setPersistent(bytes: Self.head + count * width * 4)
        planning.allowSteps()
    }

    /// The rows from the run's first step on. `fill` gets row 0, the pair's number, its cosine and sine, for all pairs of `size` features.
    func rows(
        _ run: Run, size: Int,
        fill: (_ row: UnsafeMutablePointer<Float>, _ pair: Int, _ cosine: Float, _ sine: Float) -> Void
    ) -> UnsafeMutablePointer<Float> {
        let isMade = run.persistent.assumingMemoryBound(to: Int64.self)
        let rows = (run.persistent + Self.head).assumingMemoryBound(to: Float.self)
        if isMade.pointee != 0 { return rows + run.past &* width }
        let pairs = (size + 1) / 2
        run.host.parallelFor(pairs, grain: max(1, 1024 / max(count, 1))) { begin, end in
            for pair in begin..<end {
                let frequency = pow(base, -2 * Double(pair) / Double(size))
                for row in 0..<count {
                    let angle = Double(row) * frequency
                    fill(rows + row &* width, pair, Float(cos(angle)), Float(sin(angle)))
                }
            }
        }
        isMade.pointee = 1
        return rows + run.past &* width
    }
}
