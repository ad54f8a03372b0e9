import LaminaSDK

/// Rprop: a step size per element that grows while the gradient keeps its sign. For whole-dataset gradients.
///
///     g · g' > 0:  s = min(s η⁺, s_max)
///     g · g' < 0:  s = max(s η⁻, s_min), g = 0
///     p = p − sign(g) s      g' = g
///
/// State: `prev` (g'), `step_size` (s, at first the learning rate, which is not used again). Defaults as in
/// `torch.optim.Rprop`. Reference: Riedmiller and Braun, A Direct Adaptive Method for Faster Backpropagation (1993).
struct Rprop: Optimizer {
    static let name = "rprop"
    static let documentation = "Step sizes per element from the signs of successive gradients."
    static let attributes: [AttributeSchema] = [
        OptimizerSchema.learningRate(1e-2),
        .real("eta_minus", default: 0.5, 0...1, "η⁻: factor on the step size when the sign changes."),
        .real("eta_plus", default: 1.2, 1 ... .infinity, "η⁺: factor on the step size while the sign stays."),
        .real("minimum_step", default: 1e-6, 0 ... .infinity, "s_min."),
        .real("maximum_step", default: 50, 0 ... .infinity, "s_max."),
    ]

    private let learningRate: Double
    private let etaMinus, etaPlus, minimum, maximum: Float

    init(_ attributes: Attributes) throws {
        learningRate = attributes.real("learning_rate")
        etaMinus = attributes.float("eta_minus")
        etaPlus = attributes.float("eta_plus")
        minimum = attributes.float("minimum_step")
        maximum = attributes.float("maximum_step")
        guard minimum <= maximum else {
            throw PluginError.attribute("minimum_step is \(minimum), above maximum_step, \(maximum): swap them")
        }
    }

    var states: [OptimizerState] { [OptimizerState("prev"), OptimizerState("step_size", initial: learningRate)] }

    func step(_ step: OptimizerStep) {
        let rule = GradientRule(step)
        let (etaMinus, etaPlus, minimum, maximum) = (etaMinus, etaPlus, minimum, maximum)
        // The schedule has its say in the first step, which sets the step sizes.
        let start = step.number == 1 ? Float(step.learningRateFactor) : 1
        step.forEachRange { index, first, count in
            let (p, g) = (step.parameters(index, first), step.gradients(index, first))
            let (previous, size) = (step.states(0, index, first), step.states(1, index, first))
            for i in 0..<count {
                let d = rule(g[i], 0)
                let agreement = d * previous[i]
                let factor = agreement > 0 ? etaPlus : (agreement < 0 ? etaMinus : 1)
                var s = size[i] * start * factor
                s = s < minimum ? minimum : s
                s = s > maximum ? maximum : s
                let kept = agreement < 0 ? 0 : d
                size[i] = s
                previous[i] = kept
                p[i] -= sign(kept) * s
            }
        }
    }
}
