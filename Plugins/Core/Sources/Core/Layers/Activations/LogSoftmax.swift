import CLaminaMath
import LaminaSDK

/// The logarithm of softmax along one axis: yᵢ = xᵢ − max x − log Σⱼ e^(xⱼ − max x).
///
/// Any shape and layout. Goodfellow, Bengio, Courville: Deep Learning (2016), section 6.2.2.3.
struct LogSoftmax: TangentLayer {
    static let name = "log_softmax"
    static let documentation = "Logarithm of the softmax along one axis."
    static let attributes = Softmax.attributes

    let axis: Int

    init(_ attributes: Attributes) { axis = attributes.integer("axis") }

    func infer(_ inference: Inference) throws { try inferSoftmax(inference, axis) }

    func plan(_ planning: Planning) -> any PlannedLayer {
        planSoftmax(planning)
        return LogSoftmaxPlan(lines: Lines(planning.input(0), axis))
    }

    // ẏ = ẋ − Σ softmax(x) ⊙ ẋ
    func expandTangent(_ tangent: TangentExpansion) throws {
        let probabilities = try tangent.add(
            "core.\(Softmax.name)", name: "probabilities", inputs: [tangent.input()], ["axis": .integer(axis)])
        try tangent.addOutput(tangent.deviation(from: probabilities, axis: axis))
    }
}

struct LogSoftmaxPlan: PlannedLayer {
    let lines: Lines

    func forward(_ run: Run) {
        if lines.isEmpty { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let (length, inner) = (lines.length, lines.inner)
        run.host.parallelFor(lines.outer, grain: lines.grain) { begin, end in
            for block in begin..<end {
                let start = block &* length &* inner
                if inner == 1 {
                    lamina_math_log_softmax_row(x + start, y + start, Int64(length))
                } else {
                    logSoftmaxColumns(x + start, y + start, length, inner)
                }
            }
        }
    }

    // dx = dy − e^y · Σ dy
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        if dx.isAbsent || lines.isEmpty { return }
        let (y, dy, pdx, accumulate) = (run.output(0).floats, run.outputGradient(0).floats, dx.floats, dx.accumulates)
        let (length, inner) = (lines.length, lines.inner)
        run.host.parallelFor(lines.outer, grain: lines.grain) { begin, end in
            for block in begin..<end {
                let start = block &* length &* inner
                if inner == 1 {
                    lamina_math_log_softmax_grad_row(y + start, dy + start, pdx + start, Int64(length), accumulate)
                } else {
                    logSoftmaxColumnsGradient(
                        y + start, dy + start, pdx + start, length, inner, accumulate: accumulate)
                }
            }
        }
    }
}

/// Log-softmax down the columns of a [length, inner] matrix, 16 columns at a time.
private func logSoftmaxColumns(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ length: Int, _ inner: Int
) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: lanes) { buffer in
        let block = buffer.baseAddress!
        forEachVector(inner) { i, remaining in
            let greatest = columnMaximum(x, length, inner, i, remaining)
            var sum = Vector()
            for row in 0..<length {
                block.store(x.vector(row &* inner &+ i, remaining) - greatest, 0)
                lamina_math_exp(block, block, Int64(lanes))
                sum += block.vector(0)
            }
            block.store(sum, 0)
            lamina_math_log(block, block, Int64(lanes))
            let logarithm = block.vector(0)
            for row in 0..<length {
                let at = row &* inner &+ i
                y.store(x.vector(at, remaining) - greatest - logarithm, at, remaining)
            }
        }
    }
}

private func logSoftmaxColumnsGradient(
    _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ length: Int,
    _ inner: Int, accumulate: Bool
) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: lanes) { buffer in
        let block = buffer.baseAddress!
        forEachVector(inner) { i, remaining in
            var sum = Vector()
            for row in 0..<length { sum += dy.vector(row &* inner &+ i, remaining) }
            for row in 0..<length {
                let at = row &* inner &+ i
                block.store(y.vector(at, remaining), 0)
                lamina_math_exp(block, block, Int64(lanes))
                let gradient = dy.vector(at, remaining) - block.vector(0) * sum
                dx.store(gradient, at, remaining, accumulate: accumulate)
            }
        }
    }
}
