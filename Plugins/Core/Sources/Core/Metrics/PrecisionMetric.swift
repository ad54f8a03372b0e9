import LaminaSDK

/// Of the rows predicted as a class, the share that are of it: TP / (TP + FP). See `ClassScore` for averages.
final class PrecisionMetric: ClassScore, Metric {
    static let name = "precision"
    static let documentation = "Share of the rows predicted as a class that are of it."

    override func score(right: Double, predicted: Double, truth: Double) -> Double { ratio(right, predicted) }
}
