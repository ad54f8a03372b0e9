import LaminaSDK

/// A stack of encoder layers: input and output [N, T, units].
///
/// Nodes, those of `torch.nn.TransformerEncoder`: layers.0, layers.1, … (each a `transformer.encoder_layer`), norm. Tokens have
/// to be vectors with positions already. Vaswani et al.: Attention Is All You Need (2017).
struct Encoder: Block {
    static let name = "encoder"
    static let documentation = "Layers of self-attention and feed-forward networks on top of each other."
    static let inputs = EncoderLayer.inputs
    static let attributes: [AttributeSchema] = StackForm.attributes() + EncoderLayer.attributes

    private let stack: StackForm
    private let isCausal: Bool

    init(_ attributes: Attributes) throws {
        stack = StackForm(attributes, try LayerForm(attributes))
        isCausal = attributes.bool("causal")
    }

    func expand(_ expansion: Expansion) throws {
        let end = try stack.layers(
            expansion, "transformer.encoder_layer", expansion.input(0), [expansion.input(1)],
            [("causal", .bool(isCausal))])
        try expansion.addOutput(stack.normalized(expansion, end))
    }
}
