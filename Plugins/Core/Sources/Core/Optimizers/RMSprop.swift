import CLaminaMath
import LaminaSDK

/// RMSprop: steps divided by the root of a running mean of the squared gradient.
///
///     g = ∇ + λ p      v = α v + (1 − α) g²      d = √v + ε
///     centered:  a = α a + (1 − α) g      d = √(v − a²) + ε
///     b = μ b + g / d      p = p − η b          (μ = 0:  p = p − η g / d)
///
/// State: `square_avg` (v), with momentum `momentum_buffer` (b), centered `grad_avg` (a). Defaults as in
/// `torch.optim.RMSprop`. Rounding may leave v − a² just below 0; it then counts as 0. Reference: Tieleman and Hinton,
/// Lecture 6.5 of Neural Networks for Machine Learning (2012); centered: Graves, arXiv 1308.0850 (2013).
struct RMSprop: Optimizer {
    static let name = "rmsprop"
    static let documentation = "Steps divided by the root mean square of the gradient."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(1e-2),
        .real("alpha", default: 0.99, 0...1, "α: decay of the running means."),
        OptimizerSchema.epsilon(1e-8),
        OptimizerSchema.weightDecay(0),
        .real("momentum", default: 0, 0 ... .infinity, "μ: how much of the last step stays."),
        .bool("centered", default: false, "Divide by the standard deviation of the gradient instead."),
    ]

    private let learningRate, alpha, epsilon, weightDecay, momentum: Double
    private let isCentered: Bool

    init(_ attributes: Attributes) {
        learningRate = attributes.real("learning_rate")
        alpha = attributes.real("alpha")
        epsilon = attributes.real("epsilon")
        weightDecay = attributes.real("weight_decay")
        momentum = attributes.real("momentum")
        isCentered = attributes.bool("centered")
    }

    var states: [OptimizerState] {
        [OptimizerState("square_avg")] + (momentum > 0 ? [OptimizerState("momentum_buffer")] : [])
            + (isCentered ? [OptimizerState("grad_avg")] : [])
    }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: weightDecay)
        let rate = Float(learningRate * step.learningRateFactor)
        let (keep, enter, epsilon, momentum) = (Float(alpha), Float(1 - alpha), Float(epsilon), Float(momentum))
        let hasMomentum = momentum > 0
        let isCentered = isCentered
        step.forEachBlock { index, first, count, root in
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let v = step.states(0, index, first)
            for i in 0..<count {
                let d = rule(g[i], p[i])
                let square = keep * v[i] + enter * d * d
                v[i] = square
                root[i] = square
            }
            if isCentered {
                let a = step.states(hasMomentum ? 2 : 1, index, first)
                for i in 0..<count {
                    let mean = a[i] + enter * (rule(g[i], p[i]) - a[i])
                    let variance = root[i] - mean * mean
                    a[i] = mean
                    root[i] = variance < 0 ? 0 : variance
                }
            }
            lamina_math_sqrt(root, root, Int64(count))
            if hasMomentum {
                let b = step.states(1, index, first)
                for i in 0..<count {
                    let move = momentum * b[i] + rule(g[i], p[i]) / (root[i] + epsilon)
                    b[i] = move
                    p[i] -= rate * move
                }
            } else {
                for i in 0..<count { p[i] -= rate * (rule(g[i], p[i]) / (root[i] + epsilon)) }
            }
        }
    }
}
