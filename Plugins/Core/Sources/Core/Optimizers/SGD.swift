import LaminaSDK

/// Stochastic gradient descent, with momentum, Nesterov's variant and weight decay.
///
///     g = ∇ + λ p
///     b = μ b + (1 − τ) g      (b = g at the first step)
///     p = p − η (g + μ b)      with Nesterov;   p − η b   without;   p − η g   when μ = 0
///
/// State: `momentum_buffer` (b) when μ > 0. Defaults and first step as in `torch.optim.SGD`. Reference: Sutskever et
/// al., On the importance of initialization and momentum in deep learning (2013).
struct SGD: Optimizer {
    static let name = "sgd"
    static let documentation = "Stochastic gradient descent with momentum and Nesterov's variant."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(1e-3),
        .real("momentum", default: 0, 0 ... .infinity, "μ: how much of the last step stays."),
        .real("dampening", default: 0, "τ: how much less of the gradient enters the momentum."),
        .bool("nesterov", default: false, "Look ahead along the momentum; wants momentum > 0 and dampening 0."),
        OptimizerSchema.weightDecay(0),
    ]

    private let learningRate, momentum, dampening, weightDecay: Double
    private let isNesterov: Bool

    init(_ attributes: Attributes) throws {
        learningRate = attributes.real("learning_rate")
        momentum = attributes.real("momentum")
        dampening = attributes.real("dampening")
        weightDecay = attributes.real("weight_decay")
        isNesterov = attributes.bool("nesterov")
        if isNesterov, momentum == 0 || dampening != 0 {
            throw PluginError.attribute(
                "nesterov with momentum \(momentum) and dampening \(dampening): wanted momentum > 0 and dampening 0")
        }
    }

    var states: [OptimizerState] { momentum > 0 ? [OptimizerState("momentum_buffer")] : [] }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: weightDecay)
        let rate = Float(learningRate * step.learningRateFactor)
        guard momentum > 0 else {
            step.forEachRange { index, first, count in
                let (p, g) = (step.parameters(index, first), step.gradients(index, first))
                for i in 0..<count { p[i] -= rate * rule(g[i], p[i]) }
            }
            return
        }
        let isFirst = step.number == 1
        let (keep, take) = (isFirst ? 0 : Float(momentum), isFirst ? 1 : Float(1 - dampening))
        let ahead = isNesterov ? Float(momentum) : 0
        let own: Float = isNesterov ? 1 : 0
        let along = isNesterov ? ahead : 1
        step.forEachRange { index, first, count in
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let b = step.states(0, index, first)
            for i in 0..<count {
                let d = rule(g[i], p[i])
                let velocity = keep * b[i] + take * d
                b[i] = velocity
                p[i] -= rate * (own * d + along * velocity)
            }
        }
    }
}
