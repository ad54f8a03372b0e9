import CLaminaMath
import LaminaSDK

/// Kullback–Leibler divergence of the input's distribution from the target's: ℓ = t (log t − x).
///
/// `input` holds log-probabilities. `target` has the same shape and holds probabilities, where ℓ = 0 for t = 0; or
/// log-probabilities with `log_target`, where ℓ = e^t (t − x). `reduction`: `batchmean` divides the sum by the first
/// dimension, which gives the divergence per sample; `mean` divides by the number of elements. The output is a scalar.
/// Reference: `torch.nn.KLDivLoss`.
struct KLDivergenceLoss: ElementwiseLoss {
    static let name = "kl_div"
    static let documentation = "Kullback–Leibler divergence; the input holds log-probabilities."
    static let attributes: [AttributeSchema] = [
        .bool("log_target", default: false, "The target holds log-probabilities too."),
        .string(
            "reduction", default: "mean", choices: ["mean", "batchmean", "sum"], "How the terms of the batch combine."),
    ]
    static let inputs: [Port] = [
        Port("input", .required, "Log-probabilities."),
        Port("target", .required, "Probabilities, or log-probabilities with log_target; the same shape."),
    ]
    let reduction: Reduction
    private let isPerSample: Bool
    private let isLogTarget: Bool

    init(_ attributes: Attributes) {
        let reduction = attributes.string("reduction")
        self.reduction = reduction == "sum" ? .sum : .mean
        isPerSample = reduction == "batchmean"
        isLogTarget = attributes.bool("log_target")
    }

    func validate(_ inference: Inference) throws {
        guard !isPerSample || !inference.shape(0).isEmpty else {
            throw PluginError.shape(
                "the input is a scalar, reduction batchmean wants a batch: use mean or sum", input: 0)
        }
    }

    func meanDivisor(_ input: Tensor) -> Double { Double(isPerSample ? input.size(0) : input.count) }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        if isLogTarget {
            lamina_math_exp(block.t, out, Int64(block.count))
            for i in 0..<block.count { out[i] *= block.t[i] - block.x[i] }
        } else {
            lamina_math_log(block.t, out, Int64(block.count))
            for i in 0..<block.count {
                let t = block.t[i]
                out[i] = (t == 0 ? 0 : t * out[i]) - t * block.x[i]
            }
        }
    }

    // ∂ℓ/∂x = −t, or −e^t with log_target
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        if isLogTarget {
            lamina_math_exp(block.t, out, Int64(block.count))
            for i in 0..<block.count { out[i] = -out[i] }
        } else {
            for i in 0..<block.count { out[i] = -block.t[i] }
        }
    }

    // ∂ℓ/∂t = log t + 1 − x, or e^t (t − x + 1) with log_target
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        if isLogTarget {
            lamina_math_exp(block.t, out, Int64(block.count))
            for i in 0..<block.count { out[i] *= block.t[i] - block.x[i] + 1 }
        } else {
            lamina_math_log(block.t, out, Int64(block.count))
            for i in 0..<block.count { out[i] += 1 - block.x[i] }
        }
    }
}
