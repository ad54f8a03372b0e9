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
        run.host.parallelFor(shape.rows, grain: shape.rowGrain) { begin, end in
            for row in begin..<end {
                shape.forEachWindow(inRow: row) { output, window in
                    let sum = to + output
                    memset(sum, 0, channels &* 4)
                    shape.forEachInput(window) { _, input in
                        let x = from + input
                        for c in 0..<channels { sum[c] += x[c] }
                    }
                    let size = size(window)
                    if size > 1 { for c in 0..<channels { sum[c] /= size } }
                }
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
