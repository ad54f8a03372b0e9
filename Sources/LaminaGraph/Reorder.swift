import CLamina
import CLaminaMath
import Glibc
import LaminaHost
import LaminaSDK

/// Copies a tensor between the plain and the channels-last layout: the one kernel that the host has of its own.
///
/// Both orders see the memory as [N, rows, columns], (C, spatial) or (spatial, C), and transpose the inner two.
struct Reorder {
    var batch: Int
    var rows: Int
    var columns: Int
    var elementSize: Int

    /// From `layout` to the other one.
    init(_ spec: TensorSpec, from layout: UInt32) {
        batch = Int(spec.shape[0])
        let channels = Int(spec.shape[1])
        let space = spec.shape[2...].reduce(1) { $0 * Int($1) }
        (rows, columns) = layout == LAMINA_LAYOUT_PLAIN ? (channels, space) : (space, channels)
        elementSize = spec.dtype.size
    }

    var transposed: Reorder {
        var other = self
        swap(&other.rows, &other.columns)
        return other
    }

    /// One channel, or one pixel: both layouts are the same bytes.
    static func isIdentity(_ spec: TensorSpec) -> Bool {
        spec.shape[1] == 1 || spec.shape[2...].allSatisfy { $0 == 1 }
    }

    private struct Job {
        var reorder: Reorder
        var source: UnsafeRawPointer
        var target: UnsafeMutableRawPointer
        var adds: Bool
    }

    /// target = transposed source, or += with `adds` (float32 only).
    func run(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, adds: Bool, _ runtime: Runtime) {
        var job = Job(reorder: self, source: source, target: target, adds: adds)
        withUnsafeMutablePointer(to: &job) { job in
            runtime.parallelFor(count: batch, grain: max(1, 65536 / max(1, rows * columns)), context: job) {
                context, begin, end in
                let job = context!.assumingMemoryBound(to: Job.self).pointee
                for item in Int(begin)..<Int(end) { job.reorder.transpose(item, job.source, job.target, job.adds) }
            }
        }
    }

    private func transpose(
        _ item: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ adds: Bool
    ) {
        let offset = item * rows * columns * elementSize
        switch elementSize {
        case 4:
            let from = (source + offset).assumingMemoryBound(to: Float.self)
            let to = (target + offset).assumingMemoryBound(to: Float.self)
            (adds ? lamina_math_transpose_add : lamina_math_transpose)(from, Int64(rows), Int64(columns), to)
        case 8: blocks(source + offset, target + offset, UInt64.self)
        default: blocks(source + offset, target + offset, UInt8.self)
        }
    }

    /// Block by block, so that both sides stay in the cache.
    @inline(__always)
    private func blocks<Element>(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ type: Element.Type
    ) {
        let from = source.assumingMemoryBound(to: Element.self)
        let to = target.assumingMemoryBound(to: Element.self)
        let block = 16
        var row = 0
        while row < rows {
            let rowEnd = min(row + block, rows)
            var column = 0
            while column < columns {
                let columnEnd = min(column + block, columns)
                for r in row..<rowEnd {
                    for c in column..<columnEnd {
                        to[c &* rows &+ r] = from[r &* columns &+ c]
                    }
                }
                column = columnEnd
            }
            row = rowEnd
        }
    }
}
