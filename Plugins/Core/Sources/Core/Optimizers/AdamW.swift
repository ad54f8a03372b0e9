import LaminaSDK

/// AdamW: Adam whose weight decay shrinks the parameter instead of entering the gradient.
///
///     p = p − η λ p
///     m = β1 m + (1 − β1) ∇      v = β2 v + (1 − β2) ∇²
///     p = p − η · m / (1 − β1^t) / (√(v / (1 − β2^t)) + ε)
///
/// State: `exp_avg` (m), `exp_avg_sq` (v), with AMSGrad `max_exp_avg_sq`. Defaults as in `torch.optim.AdamW`.
/// Reference: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019).
struct AdamW: Optimizer {
    static let name = "adamw"
    static let documentation = "Adam with decoupled weight decay."
    static let attributes: [AttributeSchema] =
        [OptimizerSchema.learningRate(1e-3)] + AdamMoments.attributes + [
            OptimizerSchema.weightDecay(1e-2, "λ: every step shrinks the parameter by η λ.")
        ]

    private let learningRate, weightDecay: Double
    private let moments: AdamMoments

    init(_ attributes: Attributes) throws {
        learningRate = attributes.real("learning_rate")
        weightDecay = attributes.real("weight_decay")
        moments = try AdamMoments(attributes)
    }

    var states: [OptimizerState] { moments.states }

    func step(_ step: OptimizerStep) {
        let rate = learningRate * step.learningRateFactor
        moments.update(step, rate: rate, rule: GradientRule(step), shrink: Float(1 - rate * weightDecay))
    }
}
