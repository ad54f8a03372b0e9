import LaminaSDK

/// Smooth L1: absolute error whose tip within β of the target is rounded off.
///
///     d = x − t      ℓ = d² / (2 β) where |d| < β, else |d| − β / 2
///
/// With β = 0 it is the absolute error. `input` and `target` have one shape; the output is the mean (or sum) over all
/// elements, a scalar. Reference: `torch.nn.SmoothL1Loss`; Girshick, Fast R-CNN (2015), equation 3.
struct SmoothL1Loss: ElementwiseLoss {
    static let name = "smooth_l1"
    static let documentation = "Absolute error, squared within beta of the target."
    static let attributes: [AttributeSchema] = [
        .real("beta", default: 1, 0 ... .infinity, "Where the loss turns linear."),
        Reduction.schema,
    ]
    let reduction: Reduction
    private let beta: Float

    init(_ attributes: Attributes) {
        beta = attributes.float("beta")
        reduction = Reduction(attributes)
    }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count {
            let distance = (block.x[i] - block.t[i]).magnitude
            out[i] = distance < beta ? 0.5 * distance * distance / beta : distance - 0.5 * beta
        }
    }

    @inline(__always)
    private func derivative(_ d: Float) -> Float { d.magnitude < beta ? d / beta : sign(d) }

    // ∂ℓ/∂x = d / β where |d| < β, else sign(d)
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = derivative(block.x[i] - block.t[i]) }
    }

    // ∂ℓ/∂t = −∂ℓ/∂x
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = derivative(block.t[i] - block.x[i]) }
    }
}
