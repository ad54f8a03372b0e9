import CLaminaMath
import LaminaSDK

/// Adadelta: steps in the units of the parameter, from running means of squared gradients and squared steps.
///
///     g = ∇ + λ p      v = ρ v + (1 − ρ) g²
///     Δ = √((u + ε) / (v + ε)) · g      u = ρ u + (1 − ρ) Δ²      p = p − η Δ
///
/// State: `square_avg` (v), `acc_delta` (u). Defaults as in `torch.optim.Adadelta`. Reference: Zeiler, ADADELTA (2012).
struct Adadelta: Optimizer {
    static let name = "adadelta"
    static let documentation = "Steps scaled by the ratio of past steps to past gradients."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(1),
        .real("rho", default: 0.9, 0...1, "ρ: decay of both running means."),
        OptimizerSchema.epsilon(1e-6),
        OptimizerSchema.weightDecay(0),
    ]

    private let learningRate, rho, epsilon, weightDecay: Double

    init(_ attributes: Attributes) {
        learningRate = attributes.real("learning_rate")
        rho = attributes.real("rho")
        epsilon = attributes.real("epsilon")
        weightDecay = attributes.real("weight_decay")
    }

    var states: [OptimizerState] { [OptimizerState("square_avg"), OptimizerState("acc_delta")] }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: weightDecay)
        let rate = Float(learningRate * step.learningRateFactor)
        let (keep, enter, epsilon) = (Float(rho), Float(1 - rho), Float(epsilon))
        step.forEachBlock { index, first, count, ratio in
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let (v, u) = (step.states(0, index, first), step.states(1, index, first))
            for i in 0..<count {
                let d = rule(g[i], p[i])
                let square = keep * v[i] + enter * d * d
                v[i] = square
                ratio[i] = (u[i] + epsilon) / (square + epsilon)
            }
            lamina_math_sqrt(ratio, ratio, Int64(count))
            for i in 0..<count {
                let delta = ratio[i] * rule(g[i], p[i])
                u[i] = keep * u[i] + enter * delta * delta
                p[i] -= rate * delta
            }
        }
    }
}
