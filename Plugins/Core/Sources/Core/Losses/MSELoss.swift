import LaminaSDK

/// Mean squared error: ℓ = (x − t)².
///
/// `input` and `target` have one shape; the output is the mean (or sum) over all elements, a scalar.
/// Reference: `torch.nn.MSELoss`.
struct MSELoss: ElementwiseLoss {
    static let name = "mse"
    static let documentation = "Mean squared error, (x − t)²."
    static let attributes = [Reduction.schema]
    let reduction: Reduction

    init(_ attributes: Attributes) { reduction = Reduction(attributes) }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count {
            let difference = block.x[i] - block.t[i]
            out[i] = difference * difference
        }
    }

    // ∂ℓ/∂x = 2 (x − t)
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = 2 * (block.x[i] - block.t[i]) }
    }

    // ∂ℓ/∂t = 2 (t − x)
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = 2 * (block.t[i] - block.x[i]) }
    }
}
