import Glibc
import LaminaSDK

/// A layer whose output has the input's bytes. Usually the host lets the two share memory, and nothing is left to do.
struct ViewPlan: PlannedLayer {
    // y = x, byte by byte
    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        let n = x.count
        if n == 0 || x.bytes == y.bytes { return }
        let (from, to, size) = (x.bytes, y.bytes, x.elementSize)
        run.host.parallelFor(n, grain: elementGrain) { begin, end in
            memcpy(to + begin * size, from + begin * size, (end - begin) * size)
        }
    }

    // dx = dy
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        let n = dy.count
        if dx.isAbsent || n == 0 { return }
        copyGradient(dy.floats, dx.floats, n, accumulate: dx.accumulates, host: run.host)
    }
}
