import Glibc
import LaminaSDK

/// Perplexity: e to the mean of −log p of the true class, over all rows of all batches that are not ignored.
///
///     p = softmax(prediction)      perplexity = exp(−Σ log p[target] / rows)
///
/// Prediction: logits [N, T, C] with `class_axis: -1`, or with the classes on another axis; log-probabilities are logits,
/// too. Target: class indices without that axis; those that are `ignore_index` (padding) count for nothing. 1 is a model
/// that is always sure and right, C one that knows nothing; infinity when a true class has probability 0.
/// Jurafsky, Martin: Speech and Language Processing, section 3.3.
final class PerplexityMetric: Metric {
    static let name = "perplexity"
    static let documentation = "e to the mean cross-entropy per row (token) that is not ignored; takes logits."
    static let attributes: [AttributeSchema] = [ClassDecisions.ignoreIndex, ClassAxis.schema]

    private let decisions: ClassDecisions
    private var sum = 0.0
    private var rows = 0

    init(_ attributes: Attributes) { decisions = ClassDecisions(attributes) }

    var higherIsBetter: Bool { false }

    func reset() { (sum, rows) = (0, 0) }

    func update(prediction: Tensor, target: Tensor) throws {
        let layout = try decisions.layout(prediction, target)
        guard !layout.isBinary, !layout.targetIsScores else {
            throw PluginError.shape(
                "the prediction has shape \(prediction.shape), the target \(target.shape): wanted logits per class and "
                    + "one class index per row")
        }
        guard layout.rows > 0 else { return }
        let (sum, rows) = try withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
            var (sum, rows) = (0.0, 0)
            for row in 0..<layout.rows {
                guard let truth = try decisions.label(target, row, layout) else { continue }
                let logits = prediction.floats + layout.offset(row)
                let softmax = SoftmaxRow(
                    logits, classes: layout.classes, stride: layout.inner, buffer: buffer.baseAddress!)
                sum -= Double(softmax.logProbability(logits[truth &* layout.inner]))
                rows += 1
            }
            return (sum, rows)
        }
        self.sum += sum
        self.rows += rows
    }

    /// NaN before the first row.
    func result() -> [MetricResult] { [.value("", exp(sum / Double(rows)))] }
}
