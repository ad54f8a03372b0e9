import Glibc
import LaminaSDK

/// dx = dy, or dx += dy, for `n` elements in the same order.
func copyGradient(
    _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int, accumulate: Bool, host: Host
) {
    if UnsafePointer(dx) == dy && !accumulate { return }
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
