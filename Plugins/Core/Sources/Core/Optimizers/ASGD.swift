import Glibc
import LaminaSDK

/// Averaged stochastic gradient descent: a decaying step size, and the running average of the parameter beside it.
///
///     g = ∇ + λ p
///     p = p − η_t κ p − η_t g      ax = ax + μ_t (p − ax)
///     η_{t+1} = η / (1 + κ η t)^α      μ_{t+1} = 1 / max(1, t − t0)
///
/// κ is `lambd`. State: `eta` and `mu` (numbers per parameter; at first η and 1), `ax` (the average). Defaults as in
/// `torch.optim.ASGD`. Reference: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992).
struct ASGD: Optimizer {
    static let name = "asgd"
    static let documentation = "Stochastic gradient descent that keeps the average of the parameters."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(1e-2),
        .real("lambd", default: 1e-4, 0 ... .infinity, "κ: shrinking of the parameter and decay of the step size."),
        .real("alpha", default: 0.75, 0 ... .infinity, "α: exponent of the step size's decay."),
        .real("t0", default: 1e6, 0 ... .infinity, "The step after which averaging starts."),
        OptimizerSchema.weightDecay(0),
    ]

    private let learningRate, lambda, alpha, start, weightDecay: Double

    init(_ attributes: Attributes) {
        learningRate = attributes.real("learning_rate")
        lambda = attributes.real("lambd")
        alpha = attributes.real("alpha")
        start = attributes.real("t0")
        weightDecay = attributes.real("weight_decay")
    }

    var states: [OptimizerState] {
        [
            OptimizerState("eta", .scalar, initial: learningRate), OptimizerState("mu", .scalar, initial: 1),
            OptimizerState("ax"),
        ]
    }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step, decay: weightDecay)
        let (lambda, time) = (lambda, Double(step.number))
        if step.number == 1 {
            for index in 0..<step.parameterCount { step.state(0, of: index).doubles[0] *= step.learningRateFactor }
        }
        step.forEachRange { index, first, count in
            let eta = step.state(0, of: index).doubles[0]
            let (rate, shrink) = (Float(eta), Float(1 - lambda * eta))
            let mu = Float(step.state(1, of: index).doubles[0])
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let average = step.states(2, index, first)
            for i in 0..<count { p[i] = shrink * p[i] - rate * rule(g[i], p[i]) }
            if mu == 1 {
                average.update(from: p, count: count)
            } else {
                for i in 0..<count { average[i] += mu * (p[i] - average[i]) }
            }
        }
        let rate = learningRate * step.learningRateFactor
        for index in 0..<step.parameterCount {
            step.state(0, of: index).doubles[0] = rate / pow(1 + lambda * rate * time, alpha)
            step.state(1, of: index).doubles[0] = 1 / max(1, time - start)
        }
    }
}
