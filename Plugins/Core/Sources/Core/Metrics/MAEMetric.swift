import LaminaSDK

/// Mean absolute error over all elements: Σ |prediction − target| / count.
final class MAEMetric: Metric {
    static let name = "mae"
    static let documentation = "Mean absolute error."

    private var sum = 0.0
    private var count = 0

    init(_ attributes: Attributes) {}

    var higherIsBetter: Bool { false }

    func reset() { (sum, count) = (0, 0) }

    func update(prediction: Tensor, target: Tensor) throws {
        try requireSameNumbers(prediction, target)
        guard prediction.count > 0 else { return }
        let (x, t) = (prediction.floats, target.floats)
        for i in 0..<prediction.count { sum += (Double(x[i]) - Double(t[i])).magnitude }
        count += prediction.count
    }

    /// NaN before the first element.
    func result() -> [MetricResult] { [.value("", sum / Double(count))] }
}
