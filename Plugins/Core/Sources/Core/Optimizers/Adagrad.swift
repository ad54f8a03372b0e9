import CLaminaMath
import LaminaSDK

/// Adagrad: steps divided by the root of all squared gradients so far.
///
///     g = ∇ + λ p      s = s + g²      p = p − η / (1 + (t − 1) κ) · g / (√s + ε)
///
/// State: `sum` (s). Defaults as in `torch.optim.Adagrad`. Reference: Duchi et al., Adaptive Subgradient Methods
/// (2011).
struct Adagrad: Optimizer {
    static let name = "adagrad"
    static let documentation = "Steps divided by the root of the summed squared gradients."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(1e-2),
        .real("learning_rate_decay", default: 0, 0 ... .infinity, "κ: decay of the learning rate per step."),
        OptimizerSchema.weightDecay(0),
        .real("initial_accumulator_value", default: 0, 0 ... .infinity, "s before the first step."),
        OptimizerSchema.epsilon(1e-10),
    ]

    private let learningRate, learningRateDecay, weightDecay, initial, epsilon: Double

    init(_ attributes: Attributes) {
        learningRate = attributes.real("learning_rate")
        learningRateDecay = attributes.real("learning_rate_decay")
        weightDecay = attributes.real("weight_decay")
        initial = attributes.real("initial_accumulator_value")
        epsilon = attributes.real("epsilon")
    }

    var states: [OptimizerState] { [OptimizerState("sum", initial: initial)] }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: weightDecay)
        let rate = Float(
            learningRate * step.learningRateFactor / (1 + Double(step.number - 1) * learningRateDecay))
        let epsilon = Float(epsilon)
        step.forEachBlock { index, first, count, root in
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let s = step.states(0, index, first)
            for i in 0..<count {
                let d = rule(g[i], p[i])
                let sum = s[i] + d * d
                s[i] = sum
                root[i] = sum
            }
            lamina_math_sqrt(root, root, Int64(count))
            for i in 0..<count { p[i] -= rate * (rule(g[i], p[i]) / (root[i] + epsilon)) }
        }
    }
}
