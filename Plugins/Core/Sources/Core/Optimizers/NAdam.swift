import CLaminaMath
import Glibc
import LaminaSDK

/// NAdam: Adam with Nesterov momentum.
///
///     g = ∇ + λ p                      (decoupled: p = p − η λ p instead)
///     μ_t = β1 (1 − 0.96^(t ψ) / 2)      M_t = μ_1 μ_2 … μ_t
///     m = β1 m + (1 − β1) g      v = β2 v + (1 − β2) g²      d = √(v / (1 − β2^t)) + ε
///     p = p − η (1 − μ_t) / (1 − M_t) · g / d − η μ_{t+1} / (1 − M_{t+1}) · m / d
///
/// State: `exp_avg` (m), `exp_avg_sq` (v), `mu_product` (M, a number per parameter). Defaults as in
/// `torch.optim.NAdam`. Reference: Dozat, Incorporating Nesterov Momentum into Adam (2016).
struct NAdam: Optimizer {
    static let name = "nadam"
    static let documentation = "Adam with Nesterov momentum."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(2e-3), OptimizerSchema.beta1, OptimizerSchema.beta2,
        OptimizerSchema.epsilon(1e-8), OptimizerSchema.weightDecay(0),
        .real("momentum_decay", default: 4e-3, 0 ... .infinity, "ψ: how fast μ approaches β1."),
        OptimizerSchema.decoupled,
    ]

    private let learningRate, beta1, beta2, epsilon, weightDecay, momentumDecay: Double
    private let isDecoupled: Bool

    init(_ attributes: Attributes) throws {
        learningRate = attributes.real("learning_rate")
        beta1 = try OptimizerSchema.belowOne("beta1", attributes)
        beta2 = try OptimizerSchema.belowOne("beta2", attributes)
        epsilon = attributes.real("epsilon")
        weightDecay = attributes.real("weight_decay")
        momentumDecay = attributes.real("momentum_decay")
        isDecoupled = attributes.bool("decoupled_weight_decay")
    }

    var states: [OptimizerState] {
        [OptimizerState("exp_avg"), OptimizerState("exp_avg_sq"), OptimizerState("mu_product", .scalar, initial: 1)]
    }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: isDecoupled ? 0 : weightDecay)
        let rate = learningRate * step.learningRateFactor
        let shrink = isDecoupled ? Float(1 - rate * weightDecay) : 1
        let time = Double(step.number)
        let mu = beta1 * (1 - 0.5 * pow(0.96, time * momentumDecay))
        let next = beta1 * (1 - 0.5 * pow(0.96, (time + 1) * momentumDecay))
        for index in 0..<step.parameterCount { step.state(2, of: index).doubles[0] *= mu }

        let correction = Float(1 - pow(beta2, time))
        let (enter1, keep2, enter2, epsilon) = (Float(1 - beta1), Float(beta2), Float(1 - beta2), Float(epsilon))
        step.forEachBlock { index, first, count, root in
            let product = step.state(2, of: index).doubles[0]
            let along = Float(rate * (1 - mu) / (1 - product))
            let ahead = Float(rate * next / (1 - product * next))
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let (m, v) = (step.states(0, index, first), step.states(1, index, first))
            for i in 0..<count {
                let d = rule(g[i], p[i])
                let square = keep2 * v[i] + enter2 * d * d
                m[i] += enter1 * (d - m[i])
                v[i] = square
                root[i] = square / correction
            }
            lamina_math_sqrt(root, root, Int64(count))
            for i in 0..<count {
                let d = rule(g[i], p[i])
                p[i] = shrink * p[i] - (along * d + ahead * m[i]) / (root[i] + epsilon)
            }
        }
    }
}
