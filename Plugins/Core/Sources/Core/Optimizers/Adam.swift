import LaminaSDK

/// Adam: steps scaled by running means of the gradient and of its square.
///
///     g = ∇ + λ p
///     m = β1 m + (1 − β1) g      v = β2 v + (1 − β2) g²
///     p = p − η · m / (1 − β1^t) / (√(v / (1 − β2^t)) + ε)
///
/// State: `exp_avg` (m), `exp_avg_sq` (v), with AMSGrad `max_exp_avg_sq`. Defaults as in `torch.optim.Adam`. Reference:
/// Kingma and Ba, Adam (2015); AMSGrad: Reddi et al., On the Convergence of Adam and Beyond (2018).
struct Adam: Optimizer {
    static let name = "adam"
    static let documentation = "Adam: adaptive moments, with AMSGrad on request."
    static let attributes: [AttributeSchema] =
        [OptimizerSchema.learningRate(1e-3)] + AdamMoments.attributes + [OptimizerSchema.weightDecay(0)]

    private let learningRate, weightDecay: Double
    private let moments: AdamMoments

    init(_ attributes: Attributes) throws {
        learningRate = attributes.real("learning_rate")
        weightDecay = attributes.real("weight_decay")
        moments = try AdamMoments(attributes)
    }

    var states: [OptimizerState] { moments.states }

    func step(_ step: OptimizerStep) {
        moments.update(
            step, rate: learningRate * step.learningRateFactor, rule: GradientRule(step, decay: weightDecay), shrink: 1)
    }
}
