import LaminaSDK

/// Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN). See `ClassScore` for averages.
final class F1Metric: ClassScore, Metric {
    static let name = "f1"
    static let documentation = "Harmonic mean of precision and recall."

    override func score(right: Double, predicted: Double, truth: Double) -> Double {
        ratio(2 * right, predicted + truth)
    }
}
