import LaminaSDK

/// Coefficient of determination: R² = 1 − Σ (t − x)² / Σ (t − mean t)², averaged over the outputs.
///
/// Prediction and target are [N] or [N, d…]; every position of d… is an output with an R² of its own. An output whose
/// target never changes has R² 1 when it is predicted exactly and else 0. Reference: `sklearn.metrics.r2_score`.
final class R2Metric: Metric {
    static let name = "r2"
    static let documentation = "Coefficient of determination, averaged over the outputs."

    /// Welford's running mean and squared deviation of the target, and the squared error.
    private struct Output {
        var mean = 0.0
        var deviation = 0.0
        var error = 0.0
    }
    private var outputs: [Output] = []
    private var rows = 0

    init(_ attributes: Attributes) {}

    var higherIsBetter: Bool { true }

    func reset() {
        rows = 0
        for index in outputs.indices { outputs[index] = Output() }
    }

    func update(prediction: Tensor, target: Tensor) throws {
        try requireSameNumbers(prediction, target)
        guard prediction.count > 0 else { return }
        let batch = prediction.rank == 0 ? 1 : prediction.size(0)
        let width = prediction.count / batch
        if outputs.isEmpty { outputs = Array(repeating: Output(), count: width) }
        guard outputs.count == width else {
            throw PluginError.shape(
                "the prediction has \(width) numbers per sample, the batches before it had \(outputs.count)")
        }
        let (x, t) = (prediction.floats, target.floats)
        for row in 0..<batch {
            rows += 1
            for column in 0..<width {
                let (x, t) = (Double(x[row &* width &+ column]), Double(t[row &* width &+ column]))
                let distance = t - outputs[column].mean
                outputs[column].mean += distance / Double(rows)
                outputs[column].deviation += distance * (t - outputs[column].mean)
                outputs[column].error += (t - x) * (t - x)
            }
        }
    }

    /// NaN below two samples.
    func result() -> [MetricResult] {
        guard rows > 1 else { return [.value("", .nan)] }
        let sum = outputs.reduce(0.0) { sum, output in
            sum + (output.deviation > 0 ? 1 - output.error / output.deviation : (output.error == 0 ? 1 : 0))
        }
        return [.value("", sum / Double(outputs.count))]
    }
}
