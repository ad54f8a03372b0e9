import LaminaSDK

/// Mean squared error over all elements: Σ (prediction − target)² / count.
final class MSEMetric: Metric {
    static let name = "mse"
    static let documentation = "Mean squared error."

    private var sum = 0.0
    private var count = 0

    init(_ attributes: Attributes) {}

    var higherIsBetter: Bool { false }

    func reset() { (sum, count) = (0, 0) }

    func update(prediction: Tensor, target: Tensor) throws {
        try requireSameNumbers(prediction, target)
        guard prediction.count > 0 else { return }
        let (x, t) = (prediction.floats, target.floats)
        for i in 0..<prediction.count {
            let difference = Double(x[i]) - Double(t[i])
            sum += difference * difference
        }
        count += prediction.count
    }

    /// NaN before the first element.
    func result() -> [MetricResult] { [.value("", sum / Double(count))] }
}
