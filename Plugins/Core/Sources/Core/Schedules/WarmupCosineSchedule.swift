import LaminaSDK

/// A straight line from `start` to 1 over `duration`, then half a cosine down to `minimum` at the end of the training.
///
/// Reference: Loshchilov and Hutter, SGDR (2017), equation 5, after the warm-up of Goyal et al. (2017); in PyTorch
/// `SequentialLR` of `LinearLR` and `CosineAnnealingLR`.
struct WarmupCosineSchedule: Schedule {
    static let name = "warmup_cosine"
    static let documentation = "A straight line up to 1, then half a cosine down to a minimum."
    static let attributes: [AttributeSchema] =
        Warmup.attributes + [.real("minimum", default: 0, 0...1, "The factor at the end.")]

    private let warmup: Warmup
    private let minimum: Double

    init(_ attributes: Attributes) {
        warmup = Warmup(attributes)
        minimum = attributes.real("minimum")
    }

    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Double {
        let rise = warmup.steps(stepsPerEpoch: stepsPerEpoch)
        if Double(step) < rise { return warmup.factor(step, stepsPerEpoch: stepsPerEpoch) }
        let progress = (Double(step) - rise) / max(1, Double(totalSteps) - rise)
        return minimum + (1 - minimum) * cosineDescent(progress)
    }
}
