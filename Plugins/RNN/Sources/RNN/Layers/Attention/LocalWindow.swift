import CAttention
import CLaminaMath
import LaminaSDK

/// Predictive alignment: p = length · sigmoid(vᵀ tanh(W h)), and a window of 2 · width + 1 steps or less around it.
struct LocalWindow {
    let width: Int
    /// 1 / 2σ² with σ = width / 2.
    let factor: Float

    init(width: Int) {
        self.width = width
        factor = 2 / (Float(width) * Float(width))
    }

    /// The steps within `width` of a position, of those before `length`. Never empty for a position in 0 … length > 0.
    @inline(__always)
    func range(around position: Float, length: Int) -> Range<Int> {
        // A NaN takes all steps, and spreads.
        guard position >= 0, position <= Float(length) else { return 0..<length }
        let begin = max(0, Int((position - Float(width)).rounded(.up)))
        let end = min(length, Int((position + Float(width)).rounded(.down)) + 1)
        return begin < end ? begin..<end : max(0, length - 1)..<length
    }

    func predict(
        _ run: Run, rows: Int, queries: Int, features: Int, units: Int, steps: Int, lengths: UnsafePointer<Int64>?,
        _ parameters: AttentionParameters, hidden: Floats, positions: Floats
    ) throws {
        let host = run.host
        let bias = parameters.positionBias.map { run.parameter($0).floats }
        if let bias { repeatRow(host, bias, units, rows, into: hidden) }
        try host.gemm(
            transposeB: true, m: rows, n: units, k: features, a: run.input(0).floats, lda: features,
            b: run.parameter(parameters.positionWeight).floats, ldb: features, beta: bias == nil ? 0 : 1, c: hidden,
            ldc: units)
        let vector = run.parameter(parameters.positionVector).floats
        host.parallelFor(rows, grain: max(1, 8192 / units)) { begin, end in
            lamina_math_tanh(hidden + begin &* units, hidden + begin &* units, Int64((end &- begin) &* units))
            for row in begin..<end {
                positions[row] = Float(lamina_math_dot(hidden + row &* units, vector, Int64(units)))
            }
            lamina_math_sigmoid(positions + begin, positions + begin, Int64(end &- begin))
            for row in begin..<end {
                positions[row] *= Float(lengths.map { Int($0[row / queries]) } ?? steps)
            }
        }
    }

    /// From the gradients of the positions, in place: those of vᵀ tanh(W h), as p' = p (1 − p / length); then those of
    /// the hidden layer in `hiddenGradients`, of W, v and the bias, and of h, all of which are added to where wanted.
    func backward(
        _ run: Run, rows: Int, queries: Int, features: Int, units: Int, steps: Int, lengths: UnsafePointer<Int64>?,
        _ parameters: AttentionParameters, hidden: Floats, positions: Floats, gradients: Floats,
        hiddenGradients: Floats, queryGradient: Floats?
    ) throws {
        let host = run.host
        let vector = run.parameter(parameters.positionVector).floats
        host.parallelFor(rows, grain: max(1, 8192 / units)) { begin, end in
            for row in begin..<end {
                let length = Float(lengths.map { Int($0[row / queries]) } ?? steps)
                gradients[row] *= length > 0 ? positions[row] * (1 - positions[row] / length) : 0
                lamina_math_scale(gradients[row], vector, hiddenGradients + row &* units, Int64(units))
            }
            lamina_math_tanh_grad(
                hidden + begin &* units, hiddenGradients + begin &* units, hiddenGradients + begin &* units,
                Int64((end &- begin) &* units), false)
        }
        let vectorGradient = run.parameterGradient(parameters.positionVector)
        if !vectorGradient.isAbsent {
            try host.gemm(
                transposeA: true, m: units, n: 1, k: rows, a: hidden, lda: units, b: gradients, ldb: 1, beta: 1,
                c: vectorGradient.floats, ldc: 1)
        }
        let weightGradient = run.parameterGradient(parameters.positionWeight)
        if !weightGradient.isAbsent {
            try host.gemm(
                transposeA: true, m: units, n: features, k: rows, a: hiddenGradients, lda: units,
                b: run.input(0).floats, ldb: features, beta: 1, c: weightGradient.floats, ldc: features)
        }
        addColumnSums(run, parameters.positionBias, hiddenGradients, rows, units)
        if let queryGradient {
            try host.gemm(
                m: rows, n: features, k: units, a: hiddenGradients, lda: units,
                b: run.parameter(parameters.positionWeight).floats, ldb: features, beta: 1, c: queryGradient,
                ldc: features)
        }
    }
}

/// Adds the sums over rows to the gradient of a bias that is there and wanted.
func addColumnSums(_ run: Run, _ bias: Int?, _ x: Floats, _ rows: Int, _ columns: Int) {
    guard let bias, !run.parameterGradient(bias).isAbsent else { return }
    let sums = run.parameterGradient(bias).floats
    run.host.parallelFor(columns, grain: max(16, 16_384 / max(rows, 1) / 16 * 16)) { begin, end in
        lamina_attention_column_sums(x, Int64(rows), Int64(columns), Int64(begin), Int64(end), sums)
    }
}
