import CLaminaMath
import Glibc
import LaminaSDK

/// RAdam: Adam that takes plain momentum steps until its second moment can be trusted.
///
///     g = ∇ + λ p                      (decoupled: p = p − η λ p instead)
///     m = β1 m + (1 − β1) g      v = β2 v + (1 − β2) g²
///     ρ∞ = 2 / (1 − β2) − 1      ρ = ρ∞ − 2 t β2^t / (1 − β2^t)
///     ρ > 5:  r = √((ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ))
///             p = p − η r m / (1 − β1^t) · √(1 − β2^t) / (√v + ε)
///     else:   p = p − η m / (1 − β1^t)
///
/// State: `exp_avg` (m), `exp_avg_sq` (v). Defaults as in `torch.optim.RAdam`. Reference: Liu et al., On the Variance
/// of the Adaptive Learning Rate and Beyond (2020).
struct RAdam: Optimizer {
    static let name = "radam"
    static let documentation = "Adam with a rectified adaptive learning rate."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(1e-3), OptimizerSchema.beta1, OptimizerSchema.beta2,
        OptimizerSchema.epsilon(1e-8), OptimizerSchema.weightDecay(0), OptimizerSchema.decoupled,
    ]

    private let learningRate, beta1, beta2, epsilon, weightDecay: Double
    private let isDecoupled: Bool

    init(_ attributes: Attributes) throws {
        learningRate = attributes.real("learning_rate")
        beta1 = try OptimizerSchema.belowOne("beta1", attributes)
        beta2 = try OptimizerSchema.belowOne("beta2", attributes)
        epsilon = attributes.real("epsilon")
        weightDecay = attributes.real("weight_decay")
        isDecoupled = attributes.bool("decoupled_weight_decay")
    }

    var states: [OptimizerState] { [OptimizerState("exp_avg"), OptimizerState("exp_avg_sq")] }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: isDecoupled ? 0 : weightDecay)
        let rate = learningRate * step.learningRateFactor
        let shrink = isDecoupled ? Float(1 - rate * weightDecay) : 1
        let time = Double(step.number)
        let power = pow(beta2, time)
        let limit = 2 / (1 - beta2) - 1
        let length = limit - 2 * time * power / (1 - power)
        let isAdaptive = length > 5
        let size = rate / (1 - pow(beta1, time))
        let rectified =
            ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length) * (1 - power)).squareRoot()
        let along = Float(isAdaptive ? size * rectified : size)
        let (enter1, keep2, enter2, epsilon) = (Float(1 - beta1), Float(beta2), Float(1 - beta2), Float(epsilon))
        step.forEachBlock { index, first, count, root in
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let (m, v) = (step.states(0, index, first), step.states(1, index, first))
            for i in 0..<count {
                let d = rule(g[i], p[i])
                let square = keep2 * v[i] + enter2 * d * d
                m[i] += enter1 * (d - m[i])
                v[i] = square
                root[i] = square
            }
            if isAdaptive {
                lamina_math_sqrt(root, root, Int64(count))
                for i in 0..<count { p[i] = shrink * p[i] - along * (m[i] / (root[i] + epsilon)) }
            } else {
                for i in 0..<count { p[i] = shrink * p[i] - along * m[i] }
            }
        }
    }
}
