import LaminaSDK

/// The share of rows whose true class is among the k highest scores.
///
/// Prediction: [N, C] or [N, C, d…] scores, or with the classes on `class_axis`; target: class indices. Of equal scores the first class ranks higher.
final class TopKAccuracyMetric: Metric {
    static let name = "top_k_accuracy"
    static let documentation = "Share of rows whose true class is among the k highest scores."
    static let attributes: [AttributeSchema] = [
        .integer("k", default: 5, 1...1e9, "How many classes count as predicted."),
        ClassDecisions.ignoreIndex,
        ClassAxis.schema,
    ]

    private let k: Int
    private let decisions: ClassDecisions
    private var right = 0
    private var rows = 0

    init(_ attributes: Attributes) {
        k = attributes.integer("k")
        decisions = ClassDecisions(attributes)
    }

    var higherIsBetter: Bool { true }

    func reset() { (right, rows) = (0, 0) }

    func update(prediction: Tensor, target: Tensor) throws {
        let layout = try decisions.layout(prediction, target)
        guard !layout.isBinary else {
            throw PluginError.shape(
                "the prediction has shape \(prediction.shape), one score per sample; wanted [N, classes]: "
                    + "use core.accuracy"
            )
        }
        guard layout.rows > 0 else { return }
        var (right, rows) = (0, 0)
        for row in 0..<layout.rows {
            guard let truth = try decisions.label(target, row, layout) else { continue }
            rows += 1
            if rank(of: truth, prediction.floats + layout.offset(row), layout) < k { right += 1 }
        }
        self.right += right
        self.rows += rows
    }

    /// How many classes come before `truth`; all of them when its score is not a number.
    private func rank(of truth: Int, _ scores: UnsafePointer<Float>, _ layout: ClassDecisions.Layout) -> Int {
        let own = scores[truth &* layout.inner]
        if own.isNaN { return .max }
        var rank = 0
        for index in 0..<layout.classes {
            let other = scores[index &* layout.inner]
            if other > own || (other == own && index < truth) { rank += 1 }
        }
        return rank
    }

    /// NaN before the first row.
    func result() -> [MetricResult] { [.value("", Double(right) / Double(rows))] }
}
