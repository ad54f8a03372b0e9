import LaminaSDK

/// How often each true class (row) was predicted as each class (column).
///
/// Prediction: [N, C] or [N, C, d…] scores, or one score per sample with `threshold`; target: class indices. The number
/// of classes is the prediction's.
final class ConfusionMatrixMetric: Metric {
    static let name = "confusion_matrix"
    static let documentation = "Counts of true classes (rows) against predicted ones (columns)."
    static let attributes = ClassDecisions.attributes

    private let decisions: ClassDecisions
    private var counts = ConfusionCounts()

    init(_ attributes: Attributes) { decisions = ClassDecisions(attributes) }

    var higherIsBetter: Bool { true }

    func reset() { counts.reset() }

    func update(prediction: Tensor, target: Tensor) throws { try counts.add(prediction, target, decisions) }

    /// Empty before the first batch.
    func result() -> [MetricResult] { [.matrix("", rows: counts.classes, columns: counts.classes, counts.matrix)] }
}
