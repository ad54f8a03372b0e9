import CLaminaMath
import LaminaSDK

/// Binary cross-entropy of probabilities: ℓ = −w (t log x + (1 − t) log(1 − x)).
///
/// `input` is in [0, 1], anything else fails with LAMINA_ERROR_DATA; logarithms are limited to −100 and more. `target`
/// and the optional `weight` (w, else 1) have the input's shape. The output is the mean over the number of elements (or
/// the sum), a scalar. Prefer `bce_with_logits` when the model can end before its sigmoid. Reference:
/// `torch.nn.BCELoss`.
struct BCELoss: ElementwiseLoss {
    static let name = "bce"
    static let documentation = "Binary cross-entropy of probabilities in [0, 1]."
    static let attributes = [Reduction.schema]
    static let inputs = binaryInputs("Probabilities in [0, 1].")
    let reduction: Reduction

    init(_ attributes: Attributes) { reduction = Reduction(attributes) }

    func complaint(_ block: LossBlock) -> String? {
        for i in 0..<block.count where block.x[i] < 0 || block.x[i] > 1 {
            return
                "the input holds \(block.x[i]), wanted probabilities in [0, 1]: end the model with core.sigmoid, or "
                + "use core.bce_with_logits"
        }
        return nil
    }

    /// `first` = max(log x, −100), `second` = max(log(1 − x), −100).
    @inline(__always)
    private func logarithms(
        _ block: LossBlock, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>
    ) {
        lamina_math_log(block.x, first, Int64(block.count))
        for i in 0..<block.count { second[i] = -block.x[i] }
        lamina_math_log1p(second, second, Int64(block.count))
        for i in 0..<block.count {
            first[i] = first[i] < -100 ? -100 : first[i]
            second[i] = second[i] < -100 ? -100 : second[i]
        }
    }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
            let other = buffer.baseAddress!
            logarithms(block, out, other)
            for i in 0..<block.count { out[i] = (block.t[i] - 1) * other[i] - block.t[i] * out[i] }
        }
    }

    // ∂ℓ/∂x = (x − t) / (x (1 − x)), the denominator not below 1e-12
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count {
            let spread = block.x[i] * (1 - block.x[i])
            out[i] = (block.x[i] - block.t[i]) / (spread < 1e-12 ? 1e-12 : spread)
        }
    }

    // ∂ℓ/∂t = log(1 − x) − log x
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
            let other = buffer.baseAddress!
            logarithms(block, out, other)
            for i in 0..<block.count { out[i] = other[i] - out[i] }
        }
    }
}

/// The inputs of the binary cross-entropies.
func binaryInputs(_ documentation: String) -> [Port] {
    [
        Port("input", .required, documentation),
        Port("target", .required, "Probabilities of class 1; the same shape."),
        Port("weight", .optional, "Factor of every term; the same shape."),
    ]
}
