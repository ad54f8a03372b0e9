import CLaminaMath
import Glibc
import LaminaSDK

/// What Adam and AdamW share: running moments and the update, which differ in where weight decay enters.
///
///     m = m + (1 − β1)(g − m)      v = β2 v + (1 − β2) g²
///     p = p − η / (1 − β1^t) · m / (√v / √(1 − β2^t) + ε)
///
/// With AMSGrad √v is that of the greatest v so far.
struct AdamMoments {
    private let beta1, beta2, epsilon: Double
    private let isAMSGrad: Bool

    static let attributes: [AttributeSchema] = [
        OptimizerSchema.beta1,
        OptimizerSchema.beta2,
        OptimizerSchema.epsilon(1e-8),
        .bool("amsgrad", default: false, "Divide by the greatest second moment so far."),
    ]

    init(_ attributes: Attributes) throws {
        beta1 = try OptimizerSchema.belowOne("beta1", attributes)
        beta2 = try OptimizerSchema.belowOne("beta2", attributes)
        epsilon = attributes.real("epsilon")
        isAMSGrad = attributes.bool("amsgrad")
    }

    var states: [OptimizerState] {
        ["exp_avg", "exp_avg_sq"].map { OptimizerState($0) } + (isAMSGrad ? [OptimizerState("max_exp_avg_sq")] : [])
    }

    /// `shrink`: what every parameter is multiplied by first (decoupled weight decay), 1 for none.
    func update(_ step: OptimizerStep, rate: Double, rule: GradientRule, shrink: Float) {
        let time = Double(step.number)
        let size = Float(rate / (1 - pow(beta1, time)))
        let correction = Float((1 - pow(beta2, time)).squareRoot())
        let (enter1, keep2, enter2, epsilon) = (Float(1 - beta1), Float(beta2), Float(1 - beta2), Float(epsilon))
        let isAMSGrad = isAMSGrad
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
            if isAMSGrad {
                let greatest = step.states(2, index, first)
                for i in 0..<count {
                    let high = greatest[i] > root[i] ? greatest[i] : root[i]
                    greatest[i] = high
                    root[i] = high
                }
            }
            lamina_math_sqrt(root, root, Int64(count))
            for i in 0..<count { p[i] = shrink * p[i] - size * m[i] / (root[i] / correction + epsilon) }
        }
    }
}
