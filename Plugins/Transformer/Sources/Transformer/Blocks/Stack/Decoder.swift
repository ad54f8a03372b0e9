import LaminaSDK

/// A stack of decoder layers, each with attention to the same memory: input and output [N, Tt, units].
///
/// Nodes, those of `torch.nn.TransformerDecoder`: layers.0, layers.1, … (each a `transformer.decoder_layer`), norm. Tokens have
/// to be vectors with positions already. Vaswani et al.: Attention Is All You Need (2017).
struct Decoder: Block {
    static let name = "decoder"
    static let documentation = "Layers of causal self-attention, attention to a memory and feed-forward networks."
    static let inputs = DecoderLayer.inputs
    static let attributes: [AttributeSchema] = StackForm.attributes() + DecoderLayer.attributes

    private let stack: StackForm

    init(_ attributes: Attributes) throws { stack = StackForm(attributes, try LayerForm(attributes)) }

    func expand(_ expansion: Expansion) throws {
        let end = try stack.layers(
            expansion, "transformer.decoder_layer", expansion.input(0), [expansion.input(1), expansion.input(2)])
        try expansion.addOutput(stack.normalized(expansion, end))
    }
}
