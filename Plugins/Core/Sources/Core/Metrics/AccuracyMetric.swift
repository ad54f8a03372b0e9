import LaminaSDK

/// The share of rows whose predicted class is the true one.
///
/// Prediction: [N, C] or [N, C, d…] scores, or with the classes on `class_axis` ([N, T, C] of sequences: −1), or one score
/// per sample with `threshold`; target: class indices.
final class AccuracyMetric: Metric {
    static let name = "accuracy"
    static let documentation = "Share of rows whose highest score is at the true class."
    static let attributes = ClassDecisions.attributes

    private let decisions: ClassDecisions
    private var right = 0
    private var rows = 0

    init(_ attributes: Attributes) { decisions = ClassDecisions(attributes) }

    var higherIsBetter: Bool { true }

    func reset() { (right, rows) = (0, 0) }

    func update(prediction: Tensor, target: Tensor) throws {
        var (right, rows) = (0, 0)
        try decisions.forEachRow(prediction, target, try decisions.layout(prediction, target)) { _, predicted, truth in
            rows += 1
            if predicted == truth { right += 1 }
        }
        self.right += right
        self.rows += rows
    }

    /// NaN before the first row.
    func result() -> [MetricResult] { [.value("", Double(right) / Double(rows))] }
}
