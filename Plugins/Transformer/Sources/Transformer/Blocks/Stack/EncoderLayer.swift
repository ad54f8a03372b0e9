import LaminaSDK

/// One layer of an encoder: attention of the sequence to itself, then a feed-forward network, each with a residual.
///
/// Input and output [N, T, units]; lengths [N] say how many steps of each sample count. With `causal: true` it is a layer
/// of a decoder without memory.
///
///     post  x = norm1(x + self_attn(x)),  y = norm2(x + feed_forward(x))
///     pre   x = x + self_attn(norm1(x)),  y = x + feed_forward(norm2(x))
///
/// feed_forward is W₂ f(W₁ x + b₁) + b₂; `gated`: W₂ (f(g) · u) + b₂ with [g; u] = W₁ x + b₁. Dropout, in training, acts on the
/// attention's weights, within feed_forward, and on what is added to a residual.
///
/// Nodes, those of `torch.nn.TransformerEncoderLayer`: self_attn (`transformer.multi_head_attention`), dropout1, add1, norm1,
/// linear1, activation, dropout, linear2, dropout2, add2, norm2. Vaswani et al.: Attention Is All You Need (2017), section 3.1;
/// norms before sublayers: Xiong et al. (2020); gates: Shazeer: GLU Variants Improve Transformer (2020).
struct EncoderLayer: Block {
    static let name = "encoder_layer"
    static let documentation = "Self-attention and a feed-forward network, each with a residual and normalisation."
    static let inputs: [Port] = [
        Port("input", .required, "sequences [N, T, units]"),
        Port("lengths", .optional, "how many steps of each sample count [N], int64"),
    ]
    static let attributes: [AttributeSchema] =
        LayerForm.attributes() + AttentionForm.positions + [.bool("causal", default: false, "no step sees a later one")]

    private let form: LayerForm
    private let isCausal: Bool

    init(_ attributes: Attributes) throws {
        form = try LayerForm(attributes)
        isCausal = attributes.bool("causal")
    }

    func expand(_ expansion: Expansion) throws {
        var end = try form.residual(expansion, 1, around: expansion.input(0)) {
            try form.attended(expansion, "self_attn", [$0, nil, expansion.input(1)], causal: isCausal)
        }
        end = try form.residual(expansion, 2, around: end) { try form.fedForward(expansion, $0) }
        try expansion.addOutput(end)
    }
}
