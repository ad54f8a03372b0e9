import Glibc
import LaminaSDK

/// Adamax: Adam with the infinity norm in place of the second moment.
///
///     g = ∇ + λ p
///     m = β1 m + (1 − β1) g      u = max(β2 u, |g| + ε)
///     p = p − η / (1 − β1^t) · m / u
///
/// State: `exp_avg` (m), `exp_inf` (u). Defaults as in `torch.optim.Adamax`. Reference: Kingma and Ba, Adam (2015),
/// section 7.1.
struct Adamax: Optimizer {
    static let name = "adamax"
    static let documentation = "Adam with the infinity norm."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(2e-3), OptimizerSchema.beta1, OptimizerSchema.beta2,
        OptimizerSchema.epsilon(1e-8), OptimizerSchema.weightDecay(0),
    ]

    private let learningRate, beta1, beta2, epsilon, weightDecay: Double

    init(_ attributes: Attributes) throws {
        learningRate = attributes.real("learning_rate")
        beta1 = try OptimizerSchema.belowOne("beta1", attributes)
        beta2 = try OptimizerSchema.belowOne("beta2", attributes)
        epsilon = attributes.real("epsilon")
        weightDecay = attributes.real("weight_decay")
    }

    var states: [OptimizerState] { [OptimizerState("exp_avg"), OptimizerState("exp_inf")] }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: weightDecay)
        let rate = Float(learningRate * step.learningRateFactor / (1 - pow(beta1, Double(step.number))))
        let (enter, keep, epsilon) = (Float(1 - beta1), Float(beta2), Float(epsilon))
        step.forEachRange { index, first, count in
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let (m, u) = (step.states(0, index, first), step.states(1, index, first))
            for i in 0..<count {
                let d = rule(g[i], p[i])
                let mean = m[i] + enter * (d - m[i])
                let (old, new) = (keep * u[i], d.magnitude + epsilon)
                let norm = old > new ? old : new
                m[i] = mean
                u[i] = norm
                p[i] -= rate * (mean / norm)
            }
        }
    }
}
