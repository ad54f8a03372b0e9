import Glibc
import LaminaSDK

/// Padding by elements of the input itself: every output element is a copy of one input element.
struct MirrorPadPlan: PlannedLayer {
    /// By position in memory: the output's size, and for each index the offset of its origin in the input.
    private let sizes: [Int]
    private let origins: [[Int]]
    /// Blocks that share no input element: the product of the sizes before the first padded position.
    private let blocks: Int
    private let inputBlock: Int

    init(_ x: Tensor, _ y: Tensor, _ starts: [Int], reflects: Bool) {
        let order = PhysicalOrder(x)
        let strides = order.strides
        sizes = PhysicalOrder(y).sizes
        origins = zip(order.axes, sizes).map { axis, size in
            (0..<size).map { index in
                let inside = x.size(axis)
                var origin = index - starts[axis]
                if reflects {
                    if origin < 0 { origin = -origin }
                    if origin >= inside { origin = 2 * (inside - 1) - origin }
                } else {
                    origin = min(max(origin, 0), inside - 1)
                }
                return origin * strides[axis]
            }
        }
        let padded = order.axes.indices.first { order.sizes[$0] != PhysicalOrder(y).sizes[$0] } ?? order.axes.count - 1
        blocks = max(0, order.product(0, max(0, padded)))
        inputBlock = order.product(max(0, padded), order.axes.count)
    }

    /// Rows are runs along the last position; `body` gets a row's index and the offset of its origin.
    private func forEachRow(_ begin: Int, _ end: Int, _ body: (_ row: Int, _ origin: Int) -> Void) {
        for row in begin..<end {
            var rest = row
            var origin = 0
            for position in stride(from: sizes.count - 2, through: 0, by: -1) {
                origin += origins[position][rest % sizes[position]]
                rest /= sizes[position]
            }
            body(row, origin)
        }
    }

    func forward(_ run: Run) {
        if run.output(0).count == 0 { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let width = sizes[sizes.count - 1]
        let rows = run.output(0).count / width
        origins[sizes.count - 1].withUnsafeBufferPointer { columns in
            let columns = columns.baseAddress!
            run.host.parallelFor(rows, grain: max(1, elementGrain / width)) { begin, end in
                forEachRow(begin, end) { row, origin in
                    let (to, from) = (y + row * width, x + origin)
                    var i = 0
                    while i < width {
                        to[i] = from[columns[i]]
                        i &+= 1
                    }
                }
            }
        }
    }

    // dx = the sum of dy over all copies of the element
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.count == 0 { return }
        let (pdy, pdx, accumulate) = (dy.floats, dx.floats, dx.accumulates)
        let width = sizes[sizes.count - 1]
        let rows = dy.count / width / blocks
        origins[sizes.count - 1].withUnsafeBufferPointer { columns in
            let columns = columns.baseAddress!
            run.host.parallelFor(blocks, grain: max(1, elementGrain / (rows * width))) { begin, end in
                if !accumulate { memset(pdx + begin * inputBlock, 0, (end - begin) * inputBlock * 4) }
                forEachRow(begin * rows, end * rows) { row, origin in
                    let (from, to) = (pdy + row * width, pdx + origin)
                    var i = 0
                    while i < width {
                        to[columns[i]] += from[i]
                        i &+= 1
                    }
                }
            }
        }
    }
}
