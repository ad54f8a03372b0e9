import LaminaSDK

/// Mean absolute error: ℓ = |x − t|.
///
/// `input` and `target` have one shape; the output is the mean (or sum) over all elements, a scalar. The derivative at
/// x = t is 0. Reference: `torch.nn.L1Loss`.
struct L1Loss: ElementwiseLoss {
    static let name = "l1"
    static let documentation = "Mean absolute error, |x − t|."
    static let attributes = [Reduction.schema]
    let reduction: Reduction

    init(_ attributes: Attributes) { reduction = Reduction(attributes) }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = (block.x[i] - block.t[i]).magnitude }
    }

    // ∂ℓ/∂x = sign(x − t)
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = sign(block.x[i] - block.t[i]) }
    }

    // ∂ℓ/∂t = sign(t − x)
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = sign(block.t[i] - block.x[i]) }
    }
}

/// −1, 0 or 1; NaN stays NaN.
@inline(__always)
func sign(_ x: Float) -> Float { x > 0 ? 1 : (x < 0 ? -1 : x) }
