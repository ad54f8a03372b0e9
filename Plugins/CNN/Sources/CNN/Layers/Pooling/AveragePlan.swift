import Glibc
import LaminaSDK

/// y = the sum of x over each window, divided by the window's size.
struct AveragePlan: PlannedLayer {
    private let shape: PoolingShape
    /// The size counts the padding.
    private let countsPadding: Bool

    init(_ shape: PoolingShape, countsPadding: Bool, _ planning: Planning) {
        self.shape = shape
        self.countsPadding = countsPadding
        planning.setOverwrites()
        planning.setFLOPs(forward: shape.flops, backward: shape.flops)
    }

    @inline(__always)
    private func size(_ window: PoolingShape.Window) -> Float {
        let (d, h, w) = (window.d, window.h, window.w)
        if countsPadding { return Float(shape.depth.extent[d] * shape.height.extent[h] * shape.width.extent[w]) }
        return Float(
            (shape.depth.end[d] - shape.depth.begin[d]) * (shape.height.end[h] - shape.height.begin[h])
                * (shape.width.end[w] - shape.width.begin[w]))
    }

    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        if y.count == 0 { return }
        let (from, to) = (UnsafePointer(x.floats), y.floats)
        let channels = shape.channels
        let isLarge = shape.windowInputs > Self.block
        run.host.parallelFor(shape.rows, grain: shape.rowGrain) { begin, end in
            for row in begin..<end {
                shape.forEachWindow(inRow: row) { output, window in
                    let sum = to + output
                    if isLarge {
                        addInBlocks(window, from, sum)
                    } else {
                        memset(sum, 0, channels &* 4)
                        shape.forEachInput(window) { _, input in
                            let x = from + input
                            for c in 0..<channels { sum[c] += x[c] }
                        }
                    }
                    let size = size(window)
                    if size > 1 { for c in 0..<channels { sum[c] /= size } }
                }
            }
        }
    }

    /// Inputs of a window that are added up before they join the total: one running sum over a large image loses three
    /// digits.
    private static let block = 64
    /// Channels whose sums are kept at a time: 1 KiB, which stays on the stack.
    private static let lanes = 256

    /// sum = the window's total, in blocks of `block` inputs.
    private func addInBlocks(
        _ window: PoolingShape.Window, _ from: UnsafePointer<Float>, _ sum: UnsafeMutablePointer<Float>
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.lanes) { buffer in
            let part = buffer.baseAddress!
            var first = 0
            while first < shape.channels {
                let (count, total) = (min(Self.lanes, shape.channels - first), sum + first)
                part.update(repeating: 0, count: count)
                total.update(repeating: 0, count: count)
                shape.forEachInput(window) { ordinal, input in
                    let x = from + input + first
                    for c in 0..<count { part[c] += x[c] }
                    if ordinal % Self.block == Self.block - 1 {
                        for c in 0..<count {
                            total[c] += part[c]
                            part[c] = 0
                        }
                    }
                }
                for c in 0..<count { total[c] += part[c] }
                first += count
            }
        }
    }

    // dx[i] = Σ dy[o] / size(o) over the windows o that see i
    func backward(_ run: Run) {
        let (dyTensor, dxTensor) = (run.outputGradient(0), run.inputGradient(0))
        if dxTensor.isAbsent || dxTensor.count == 0 { return }
        let (dy, dx) = (UnsafePointer(dyTensor.floats), dxTensor.floats)
        let channels = shape.channels
        let rowsOfPlane = shape.depth.output * shape.height.output
        // Windows may overlap, but only within a plane.
        run.host.parallelFor(shape.planes, grain: shape.planeGrain) { begin, end in
            memset(dx + begin * shape.inputPlane, 0, (end - begin) * shape.inputPlane * 4)
            for row in begin * rowsOfPlane..<end * rowsOfPlane {
                shape.forEachWindow(inRow: row) { output, window in
                    let from = dy + output
                    let scale = 1 / size(window)
                    shape.forEachInput(window) { _, input in
                        let to = dx + input
                        for c in 0..<channels { to[c] += from[c] * scale }
                    }
                }
            }
        }
    }
}
