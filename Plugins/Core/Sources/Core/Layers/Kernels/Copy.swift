import Glibc
import LaminaSDK

// Layers whose output has the input's bytes. Usually the host lets the two share memory, and nothing is left to do.

/// y = x, byte by byte.
func copyForward(_ run: Run) {
    let (x, y) = (run.input(0), run.output(0))
    let n = x.count
    if n == 0 || x.bytes == y.bytes { return }
    let size = Int(x.raw.pointee.dtype.bits) / 8
    let (from, to) = (x.bytes, y.bytes)
    run.host.parallelFor(n, grain: elementGrain) { begin, end in
        memcpy(to + begin * size, from + begin * size, (end - begin) * size)
    }
}

/// dx = dy, or dx += dy.
func copyBackward(_ run: Run) {
    let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
    let n = dy.count
    if dx.isAbsent || n == 0 { return }
    copyGradient(dy.floats, dx.floats, n, accumulate: dx.accumulates, host: run.host)
}

/// dx = dy, or dx += dy, for `n` elements in the same order.
func copyGradient(
    _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int, accumulate: Bool, host: Host
) {
    if UnsafePointer(dx) == dy { return }
    host.parallelFor(n, grain: elementGrain) { begin, end in
        if accumulate {
            forEachVector(end &- begin) { i, remaining in
                dx.store(dy.vector(begin &+ i, remaining), begin &+ i, remaining, accumulate: true)
            }
        } else {
            memcpy(dx + begin, dy + begin, (end - begin) * 4)
        }
    }
}
