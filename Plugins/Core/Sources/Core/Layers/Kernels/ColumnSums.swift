import Glibc
import LaminaSDK

/// Sums over the rows of a row-major matrix, as a bias gradient needs: out[c] = Σ_r x[r, c].
///
/// The rows are cut into chunks that depend on the shape alone; each sums into a row of the workspace, and these are
/// added in order. So the result has the same bits on any number of threads.
struct ColumnSums {
    let rows: Int
    let columns: Int
    private let chunk: Int

    /// Rows whose sum is kept in a register before it joins the total, which also bounds the rounding error.
    private static let block = 64

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        let byWork = (elementGrain + columns - 1) / max(columns, 1)
        let byCount = (rows + 31) / 32
        let wanted = max(byWork, byCount, 1)
        chunk = (wanted + Self.block - 1) / Self.block * Self.block
    }

    private var chunks: Int { (rows + chunk - 1) / chunk }
    var workspaceBytes: Int { chunks > 1 ? chunks * columns * 4 : 0 }

    /// Writes the sums to `out`, or adds them. `workspace` has `workspaceBytes`; it is not touched when that is 0.
    func compute(
        _ x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>, accumulate: Bool,
        workspace: UnsafeMutablePointer<Float>?, host: Host
    ) {
        guard chunks > 1, let partial = workspace else {
            return sum(x, rows, into: out, accumulate: accumulate)
        }
        host.parallelFor(rows, grain: chunk) { begin, end in
            sum(x + begin &* columns, end &- begin, into: partial + begin / chunk &* columns, accumulate: false)
        }
        sum(partial, chunks, into: out, accumulate: accumulate)
    }

    private func sum(
        _ x: UnsafePointer<Float>, _ rows: Int, into out: UnsafeMutablePointer<Float>, accumulate: Bool
    ) {
        if !accumulate { memset(out, 0, columns * 4) }
        var first = 0
        while first < rows {
            let last = min(first &+ Self.block, rows)
            forEachVector(columns) { c, remaining in
                var total = Vector()
                var row = first
                while row < last {
                    total += x.vector(row &* columns &+ c, remaining)
                    row &+= 1
                }
                out.store(total, c, remaining, accumulate: true)
            }
            first = last
        }
    }
}
