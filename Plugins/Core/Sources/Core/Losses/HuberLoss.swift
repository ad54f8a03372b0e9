import LaminaSDK

/// Huber loss: squared near the target, linear beyond δ.
///
///     d = x − t      ℓ = d² / 2 where |d| ≤ δ, else δ (|d| − δ / 2)
///
/// `input` and `target` have one shape; the output is the mean (or sum) over all elements, a scalar. Reference:
/// `torch.nn.HuberLoss`; Huber, Robust Estimation of a Location Parameter (1964).
struct HuberLoss: ElementwiseLoss {
    static let name = "huber"
    static let documentation = "Squared error near the target, absolute error beyond delta."
    static let attributes: [AttributeSchema] = [
        .real("delta", default: 1, 0 ... .infinity, "Where the loss turns linear; above 0."),
        Reduction.schema,
    ]
    let reduction: Reduction
    private let delta: Float

    init(_ attributes: Attributes) throws {
        delta = attributes.float("delta")
        reduction = Reduction(attributes)
        guard delta > 0 else { throw PluginError.attribute("delta is \(delta), wanted a number above 0") }
    }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count {
            let distance = (block.x[i] - block.t[i]).magnitude
            out[i] = distance > delta ? delta * (distance - 0.5 * delta) : 0.5 * distance * distance
        }
    }

    // ∂ℓ/∂x = d limited to [−δ, δ]
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = limit(block.x[i] - block.t[i], delta) }
    }

    // ∂ℓ/∂t = −∂ℓ/∂x
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = limit(block.t[i] - block.x[i], delta) }
    }
}

/// x limited to [−bound, bound]; NaN stays NaN.
@inline(__always)
func limit(_ x: Float, _ bound: Float) -> Float {
    let low = x < -bound ? -bound : x
    return low > bound ? bound : low
}
