import LaminaSDK

/// Hinge loss of a binary classifier: ℓ = max(0, 1 − t x), the target t being −1 or 1.
///
/// `input` holds scores, `target` has the same shape; the output is the mean (or sum) over all elements, a scalar. The
/// derivative at the kink is 0. Reference: Cortes and Vapnik, Support-Vector Networks (1995); in PyTorch
/// `torch.relu(1 - target * input).mean()`.
struct HingeLoss: ElementwiseLoss {
    static let name = "hinge"
    static let documentation = "Hinge loss max(0, 1 − t x), targets −1 and 1."
    static let attributes = [Reduction.schema]
    static let inputs: [Port] = [
        Port("input", .required, "Scores."),
        Port("target", .required, "−1 or 1; the same shape."),
    ]
    let reduction: Reduction

    init(_ attributes: Attributes) { reduction = Reduction(attributes) }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count {
            let margin = 1 - block.t[i] * block.x[i]
            out[i] = margin < 0 ? 0 : margin
        }
    }

    // ∂ℓ/∂x = −t where t x < 1, else 0
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = 1 - block.t[i] * block.x[i] > 0 ? -block.t[i] : 0 }
    }

    // ∂ℓ/∂t = −x where t x < 1, else 0
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = 1 - block.t[i] * block.x[i] > 0 ? -block.x[i] : 0 }
    }
}
