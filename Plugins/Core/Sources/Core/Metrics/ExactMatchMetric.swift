import LaminaSDK

/// The share of samples of which every row that counts is right: of sequences, those without a wrong token.
///
/// Prediction: scores [N, T, C] with `class_axis: -1`, or any form that `core.accuracy` takes; target: class indices.
/// Rows whose label is `ignore_index` (padding) may be anything; samples without any other row are left out.
final class ExactMatchMetric: Metric {
    static let name = "exact_match"
    static let documentation = "Share of samples (sequences) of which every row that is not ignored is right."
    static let attributes = ClassDecisions.attributes

    private let decisions: ClassDecisions
    private var right = 0
    private var samples = 0

    init(_ attributes: Attributes) { decisions = ClassDecisions(attributes) }

    var higherIsBetter: Bool { true }

    func reset() { (right, samples) = (0, 0) }

    func update(prediction: Tensor, target: Tensor) throws {
        let layout = try decisions.layout(prediction, target)
        var (right, samples) = (0, 0)
        // The sample that the rows before were of, and whether all of those were right.
        var (last, isRight) = (-1, true)
        try decisions.forEachRow(prediction, target, layout) { row, predicted, truth in
            let sample = row / layout.rowsPerSample
            if sample != last {
                if last >= 0 && isRight { right += 1 }
                samples += 1
                (last, isRight) = (sample, true)
            }
            if predicted != truth { isRight = false }
        }
        if last >= 0 && isRight { right += 1 }
        self.right += right
        self.samples += samples
    }

    /// NaN before the first sample.
    func result() -> [MetricResult] { [.value("", Double(right) / Double(samples))] }
}
