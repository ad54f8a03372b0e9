import LaminaSDK

/// A language model in the manner of GPT: tokens [N, T] to the logits of what follows each of them [N, T, vocabulary].
///
/// Vectors of tokens, positions, causal layers, a norm, and products with the same vectors (`tied`). Step t sees tokens 0
/// … t, so the loss compares its logits with token t + 1: `data.text` with `stream`, and `core.cross_entropy: { class_axis:
/// -1 }`. Sinusoidal positions are added to √units times the tokens' vectors.
///
/// As it stands it is GPT-2, but for the exact gelu (`activation: gelu_tanh`); `{ positions: rotary, normalization: rms_norm,
/// activation: silu, gated: true, bias: false, tied: false }` is Llama's form. Weights begin normally distributed with
/// deviation `initial_std`, those before a residual with initial_std / √(2 · layers).
///
/// Nodes: embedding, positions, dropout, layers.0, … (each a `transformer.encoder_layer`), norm, output. Radford et al.:
/// Language Models are Unsupervised Multitask Learners (2019).
struct GPT: Block {
    static let name = "gpt"
    static let documentation = "Language model of causal Transformer layers: tokens to logits of the next token."
    static let inputs: [Port] = [Port("tokens", .required, "tokens [N, T], int64")]
    static let attributes: [AttributeSchema] =
        [
            .integer("vocabulary", 1...1e9, "number of tokens: they run from 0 to vocabulary - 1"),
            .bool("tied", default: true, "logits are products with the tokens' own vectors"),
            .bool("output_bias", default: false, "logits have a bias"),
        ] + StackForm.attributes() + PositionForm.attributes(default: .learned)
        + LayerForm.attributes(
            activation: "gelu", norm: .pre, initial: 0.02, residual: "initial_std / √(2 · layers)")

    private let vocabulary: Int
    private let isTied, hasOutputBias: Bool
    private let positions: PositionForm
    private let stack: StackForm

    init(_ attributes: Attributes) throws {
        vocabulary = attributes.integer("vocabulary")
        isTied = attributes.bool("tied")
        hasOutputBias = attributes.bool("output_bias")
        positions = try PositionForm(attributes)
        let depth = Double(2 * attributes.integer("layers")).squareRoot()
        stack = StackForm(attributes, try LayerForm(attributes, positions, residualFactor: 1 / depth))
    }

    func expand(_ expansion: Expansion) throws {
        let form = stack.form
        var end = try expansion.tokenVectors(
            expansion.input(0), vocabulary: vocabulary, form, positions, deviation: form.initial.deviation ?? 0.02)
        end = try stack.layers(expansion, "transformer.encoder_layer", end, [], [("causal", .bool(true))])
        end = try stack.normalized(expansion, end)
        try expansion.addOutput(
            expansion.logits(
                "output", end, vocabulary: vocabulary, tied: isTied ? "embedding" : nil, bias: hasOutputBias,
                form.initial))
    }
}
