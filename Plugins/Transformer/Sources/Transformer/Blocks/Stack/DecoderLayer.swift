import LaminaSDK

/// One layer of a decoder: causal self-attention, attention to a memory, then a feed-forward network, each with a residual.
///
/// Input and output [N, Tt, units], memory [N, Ts, any]; lengths [N] say how many steps of the memory count. No step sees a
/// later one, so padding behind a sequence's end changes nothing before it. Window, alibi and rotary are of the
/// self-attention alone.
///
/// Nodes, those of `torch.nn.TransformerDecoderLayer`: self_attn, dropout1, add1, norm1, multihead_attn, dropout2, add2, norm2,
/// linear1, activation, dropout, linear2, dropout3, add3, norm3. Vaswani et al.: Attention Is All You Need (2017), section 3.1.
struct DecoderLayer: Block {
    static let name = "decoder_layer"
    static let documentation =
        "Causal self-attention, attention to a memory and a feed-forward network, with residuals."
    static let inputs: [Port] = [
        Port("input", .required, "sequences [N, Tt, units]"),
        Port("memory", .required, "the encoder's output [N, Ts, any]"),
        Port("lengths", .optional, "how many steps of the memory count [N], int64"),
    ]
    static let attributes: [AttributeSchema] = LayerForm.attributes() + AttentionForm.positions

    private let form: LayerForm

    init(_ attributes: Attributes) throws { form = try LayerForm(attributes) }

    func expand(_ expansion: Expansion) throws {
        var end = try form.residual(expansion, 1, around: expansion.input(0)) {
            try form.attended(expansion, "self_attn", [$0], causal: true)
        }
        end = try form.residual(expansion, 2, around: end) {
            try form.attended(
                expansion, "multihead_attn", [$0, expansion.input(1), expansion.input(2)], cross: true)
        }
        end = try form.residual(expansion, 3, around: end) { try form.fedForward(expansion, $0) }
        try expansion.addOutput(end)
    }
}
