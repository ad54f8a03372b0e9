import LaminaSDK

/// Of the rows of a class, the share that are predicted as it: TP / (TP + FN). See `ClassScore` for averages.
final class RecallMetric: ClassScore, Metric {
    static let name = "recall"
    static let documentation = "Share of the rows of a class that are predicted as it."

    override func score(right: Double, predicted: Double, truth: Double) -> Double { ratio(right, truth) }
}
