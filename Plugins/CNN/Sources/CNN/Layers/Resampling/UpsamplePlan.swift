import Glibc
import LaminaSDK

/// Planes of places with the channels innermost, as in `PoolingShape`: in the plain layout there is one channel inside.
struct UpsamplePlan: PlannedLayer {
    let planes, channels: Int
    let height, width: UpsamplingAxis
    let isBilinear: Bool

    private typealias Source = UnsafePointer<Float>
    private typealias Target = UnsafeMutablePointer<Float>

    private var inputRow: Int { width.input * channels }
    private var outputRow: Int { width.output * channels }

    func forward(_ run: Run) {
        let (x, y) = (Source(run.input(0).floats), run.output(0).floats)
        run.host.parallelFor(planes * height.output, grain: max(1, 32768 / max(1, outputRow))) { begin, end in
            for row in begin..<end {
                let (plane, h) = (row / height.output, row % height.output)
                let above = x + (plane &* height.input &+ height.first[h]) &* inputRow
                let to = y + row &* outputRow
                if !isBilinear {
                    repeatRow(above, to)
                } else {
                    let below = x + (plane &* height.input &+ height.second[h]) &* inputRow
                    blendRow(above, below, height.weight[h], to)
                }
            }
        }
    }

    private func repeatRow(_ from: Source, _ to: Target) {
        for w in 0..<width.input {
            let (x, y) = (from + w &* channels, to + w &* width.factor &* channels)
            if channels == 1 {
                for k in 0..<width.factor { y[k] = x.pointee }
            } else {
                for k in 0..<width.factor { memcpy(y + k &* channels, x, channels &* 4) }
            }
        }
    }

    private func blendRow(_ above: Source, _ below: Source, _ lower: Float, _ to: Target) {
        for w in 0..<width.output {
            let (left, right) = (width.first[w] &* channels, width.second[w] &* channels)
            let after = width.weight[w]
            let (a, b, c, d) = (above + left, above + right, below + left, below + right)
            let y = to + w &* channels
            for i in 0..<channels {
                let upperValue = a[i] + (b[i] - a[i]) * after
                let lowerValue = c[i] + (d[i] - c[i]) * after
                y[i] = upperValue + (lowerValue - upperValue) * lower
            }
        }
    }

    // dx[i] = Σ over the outputs o that see i of dy[o] · o's share of i, along both axes
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        if dx.isAbsent { return }
        let (from, to) = (Source(run.outputGradient(0).floats), dx.floats)
        let outputs = height.output / max(1, height.input) * outputRow
        run.host.parallelFor(planes * height.input, grain: max(1, 32768 / max(1, outputs))) { begin, end in
            for row in begin..<end {
                let (plane, h) = (row / height.input, row % height.input)
                let sums = to + row &* inputRow
                memset(sums, 0, inputRow &* 4)
                for output in height.outputs[h] {
                    addRow(from + (plane &* height.output &+ output) &* outputRow, height.share(output, of: h), sums)
                }
            }
        }
    }

    private func addRow(_ from: Source, _ share: Float, _ sums: Target) {
        for w in 0..<width.output {
            let dy = from + w &* channels
            let left = sums + width.first[w] &* channels
            let toRight = share * width.weight[w]
            let toLeft = share - toRight
            for i in 0..<channels { left[i] += dy[i] * toLeft }
            if toRight == 0 { continue }
            let right = sums + width.second[w] &* channels
            for i in 0..<channels { right[i] += dy[i] * toRight }
        }
    }
}
