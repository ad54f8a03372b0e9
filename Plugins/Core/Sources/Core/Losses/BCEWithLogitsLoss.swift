import CLaminaMath
import LaminaSDK

/// Binary cross-entropy of logits, the sigmoid included and stable: ℓ = w ((1 − t) x + (1 + (p − 1) t) softplus(−x)).
///
/// That is −w (p t log σ(x) + (1 − t) log(1 − σ(x))). p is `pos_weight`, the weight of positive targets: one number, or
/// one per element of the last axis. `target` and the optional `weight` (w, else 1) have the input's shape. The output
/// is the mean over the number of elements (or the sum), a scalar. Reference: `torch.nn.BCEWithLogitsLoss`.
struct BCEWithLogitsLoss: ElementwiseLoss {
    static let name = "bce_with_logits"
    static let documentation = "Binary cross-entropy of logits, sigmoid included."
    static let link: String? = "core.sigmoid"
    static let attributes: [AttributeSchema] = [
        .reals(
            "pos_weight", default: [1], 0 ... .infinity, count: 1...Int(Int32.max),
            "Weight of positive targets: one number, or one per element of the last axis."),
        Reduction.schema,
    ]
    static let inputs = binaryInputs("Logits.")
    let reduction: Reduction
    private let positiveWeights: [Float]

    init(_ attributes: Attributes) {
        positiveWeights = attributes.reals("pos_weight").map { Float($0) }
        reduction = Reduction(attributes)
    }

    /// Weights per class need to know where an element stands.
    var layouts: Layouts { positiveWeights.count == 1 ? .any : .plain }

    func validate(_ inference: Inference) throws {
        let shape = inference.shape(0)
        guard positiveWeights.count == 1 || shape.last?.literal == positiveWeights.count else {
            throw PluginError.attribute(
                "pos_weight has \(positiveWeights.count) values, the input has shape \(inference.host.text(shape)): "
                    + "give one number, or one per element of the last axis")
        }
    }

    /// Calls `body(i, p − 1)` for every element of the block.
    @inline(__always)
    private func forEach(_ block: LossBlock, _ body: (_ index: Int, _ extra: Float) -> Void) {
        if positiveWeights.count == 1 {
            let extra = positiveWeights[0] - 1
            for i in 0..<block.count { body(i, extra) }
        } else {
            var position = block.first % positiveWeights.count
            for i in 0..<block.count {
                body(i, positiveWeights[position] - 1)
                position = position + 1 == positiveWeights.count ? 0 : position + 1
            }
        }
    }

    /// softplus(−x) = −log σ(x)
    @inline(__always)
    private func softplus(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = -block.x[i] }
        lamina_math_softplus(out, out, Int64(block.count))
    }

    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        softplus(block, into: out)
        forEach(block) { i, extra in
            out[i] = (1 - block.t[i]) * block.x[i] + (1 + extra * block.t[i]) * out[i]
        }
    }

    // ∂ℓ/∂x = (1 − t) − (1 + (p − 1) t) σ(−x)
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<block.count { out[i] = -block.x[i] }
        lamina_math_sigmoid(out, out, Int64(block.count))
        forEach(block) { i, extra in out[i] = (1 - block.t[i]) - (1 + extra * block.t[i]) * out[i] }
    }

    // ∂ℓ/∂t = (p − 1) softplus(−x) − x
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>) {
        softplus(block, into: out)
        forEach(block) { i, extra in out[i] = extra * out[i] - block.x[i] }
    }
}
