import LaminaSDK

/// mean |made − wanted|, the L1 distance that translated images keep to others.
enum AbsoluteDistance {
    /// Returns the distance; its gradient by what was made, sign(made − wanted) / count, times `weight` is added to `gradients`.
    static func add(_ made: Tensor, _ wanted: Tensor, weight: Double, to gradients: Tensor) -> Double {
        let count = made.count
        guard count > 0 else { return 0 }
        let slope = Float(weight / Double(count))
        var sum = 0.0
        for index in 0..<count {
            let difference = made.floats[index] - wanted.floats[index]
            sum += Double(abs(difference))
            if difference != 0 { gradients.floats[index] += difference > 0 ? slope : -slope }
        }
        return sum / Double(count)
    }
}
