import CPooling
import Glibc
import LaminaSDK

/// y = the largest x of each window; forward saves which one it was.
///
/// The first of equal inputs wins, and NaN wins over all, as in PyTorch. Inputs of a window are counted in the order of
/// memory, padding left out; one byte holds the count for all but large windows.
struct MaximumPlan: PlannedLayer {
    private let shape: PoolingShape
    private let smallWindows: Bool
    /// The most inputs of a window whose count fits a byte; their places are kept on the stack, which has 1 KiB for them.
    private static let mostSmall = 256
    private let saves: Bool

    init(_ shape: PoolingShape, _ planning: Planning) {
        self.shape = shape
        smallWindows = shape.windowInputs <= Self.mostSmall && shape.inputPlane <= Int(Int32.max)
        saves = planning.wantsInputGradient(0)
        if saves {
            planning.save(bytes: shape.planes * shape.outputPlane * (smallWindows ? 1 : 4))
        }
        planning.setOverwrites()
        planning.setFLOPs(forward: shape.flops, backward: shape.flops)
    }

    func forward(_ run: Run) {
        let saved = saves ? run.saved(0) : nil
        if smallWindows {
            forwardSmall(run, saved?.assumingMemoryBound(to: UInt8.self))
        } else {
            forward(run, saved?.assumingMemoryBound(to: Int32.self))
        }
    }

    private func forwardSmall(_ run: Run, _ ordinals: UnsafeMutablePointer<UInt8>?) {
        let (x, y) = (run.input(0), run.output(0))
        if y.count == 0 { return }
        let (from, to, shape) = (UnsafePointer(x.floats), y.floats, shape)
        run.host.parallelFor(shape.rows, grain: shape.rowGrain) { begin, end in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.mostSmall) { inputs in
                let inputs = inputs.baseAddress!
                for row in begin..<end {
                    shape.forEachWindow(inRow: row) { output, window in
                        let (first, count) = shape.inputs(window, into: inputs)
                        if count == 0 {
                            (to + output).update(repeating: -.infinity, count: shape.channels)
                        } else {
                            lamina_pooling_maximum(
                                from + first, inputs, Int64(count), Int64(shape.channels), to + output,
                                ordinals.map { $0 + output })
                        }
                    }
                }
            }
        }
    }

    private func forward(_ run: Run, _ ordinals: UnsafeMutablePointer<Int32>?) {
        let (x, y) = (run.input(0), run.output(0))
        if y.count == 0 { return }
        let (from, to) = (UnsafePointer(x.floats), y.floats)
        let channels = shape.channels
        run.host.parallelFor(shape.rows, grain: shape.rowGrain) { begin, end in
            for row in begin..<end {
                shape.forEachWindow(inRow: row) { output, window in
                    let best = to + output
                    var isEmpty = true
                    shape.forEachInput(window) { ordinal, input in
                        let candidate = from + input
                        if isEmpty {
                            memcpy(best, candidate, channels &* 4)
                            if let ordinals { (ordinals + output).update(repeating: 0, count: channels) }
                            isEmpty = false
                        } else if let ordinals {
                            keepLargest(
                                candidate, best, ordinals + output, Int32(truncatingIfNeeded: ordinal), channels)
                        } else {
                            keepLargest(candidate, best, channels)
                        }
                    }
                    if isEmpty { best.update(repeating: -.infinity, count: channels) }
                }
            }
        }
    }

    // dx[i] = Σ dy[o] over the windows o whose largest input is i
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.count == 0 { return }
        if smallWindows, shape.isPartition {
            backwardPartition(run.host, dy.floats, dx.floats, run.saved(0).assumingMemoryBound(to: UInt8.self))
        } else if smallWindows {
            backward(run.host, dy.floats, dx.floats, run.saved(0).assumingMemoryBound(to: UInt8.self))
        } else {
            backward(run.host, dy.floats, dx.floats, run.saved(0).assumingMemoryBound(to: Int32.self))
        }
    }

    /// Every input belongs to one window, which writes its gradient.
    private func backwardPartition(
        _ host: Host, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ ordinals: UnsafePointer<UInt8>
    ) {
        let shape = shape
        host.parallelFor(shape.rows, grain: shape.rowGrain) { begin, end in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.mostSmall) { inputs in
                let inputs = inputs.baseAddress!
                for row in begin..<end {
                    shape.forEachWindow(inRow: row) { output, window in
                        let (first, count) = shape.inputs(window, into: inputs)
                        lamina_pooling_maximum_gradient(
                            dy + output, ordinals + output, inputs, Int64(count), Int64(shape.channels), dx + first)
                    }
                }
            }
        }
    }

    @inline(__always)
    private func backward<Ordinal: FixedWidthInteger>(
        _ host: Host, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ ordinals: UnsafePointer<Ordinal>
    ) {
        let (shape, channels) = (shape, shape.channels)
        let rowsOfPlane = shape.depth.output * shape.height.output
        // Windows may overlap, but only within a plane.
        host.parallelFor(shape.planes, grain: shape.planeGrain) { begin, end in
            memset(dx + begin * shape.inputPlane, 0, (end - begin) * shape.inputPlane * 4)
            for row in begin * rowsOfPlane..<end * rowsOfPlane {
                shape.forEachWindow(inRow: row) { output, window in
                    shape.forEachInput(window) { ordinal, input in
                        addWhereChosen(
                            dy + output, dx + input, ordinals + output, Ordinal(truncatingIfNeeded: ordinal), channels)
                    }
                }
            }
        }
    }
}

@inline(__always)
private func keepLargest(_ x: UnsafePointer<Float>, _ best: UnsafeMutablePointer<Float>, _ count: Int) {
    for c in 0..<count { best[c] = x[c] > best[c] || x[c] != x[c] ? x[c] : best[c] }
}

@inline(__always)
private func keepLargest(
    _ x: UnsafePointer<Float>, _ best: UnsafeMutablePointer<Float>, _ ordinals: UnsafeMutablePointer<Int32>,
    _ ordinal: Int32, _ count: Int
) {
    for c in 0..<count {
        let isBetter = x[c] > best[c] || x[c] != x[c]
        best[c] = isBetter ? x[c] : best[c]
        ordinals[c] = isBetter ? ordinal : ordinals[c]
    }
}

@inline(__always)
private func addWhereChosen<Ordinal: FixedWidthInteger>(
    _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ ordinals: UnsafePointer<Ordinal>,
    _ ordinal: Ordinal, _ count: Int
) {
    for c in 0..<count { dx[c] += ordinals[c] == ordinal ? dy[c] : 0 }
}
