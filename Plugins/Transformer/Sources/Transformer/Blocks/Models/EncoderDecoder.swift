import LaminaSDK

/// The Transformer of "Attention Is All You Need", for training with teacher forcing: source and target tokens to logits.
///
/// Inputs source [N, Ts] and target [N, Tt] (int64), lengths [N] of the sources. The target begins with the token that says
/// so; its step t is what the decoder is told before it predicts, so the loss compares step t with token t + 1. Output
/// logits [N, Tt, target_vocabulary], for `core.cross_entropy: { class_axis: -1, ignore_index: 0 }`.
///
/// As it stands: 6 layers of 512 units and 8 heads on either side, 2048 within feed-forward networks, dropout 0.1, norms
/// after residuals, and sinusoidal positions added to √units times the tokens' vectors; these begin with deviation 1/√units.
/// `tied`: the output's weights are the target's vectors. `shared_embedding`: source and target have the same vectors.
///
/// Nodes: encoder.embedding, encoder.positions, encoder.dropout, encoder (`transformer.encoder`: encoder.layers.0, …),
/// decoder.embedding, decoder.positions, decoder.dropout, decoder (`transformer.decoder`), decoder.output. All that decoder
/// nodes take from outside is the target, the lengths and the encoder's output. Vaswani et al. (2017); `torch.nn.Transformer`
/// has final norms always (`final_norm: true`).
struct EncoderDecoder: Block {
    static let name = "encoder_decoder"
    static let documentation = "The Transformer of \"Attention Is All You Need\": source and target tokens to logits."
    static let inputs: [Port] = [
        Port("source", .required, "source tokens [N, Ts], int64"),
        Port("target", .required, "target tokens from the beginning on [N, Tt], int64"),
        Port("lengths", .optional, "how many source tokens of each sample count [N], int64"),
    ]
    static let attributes: [AttributeSchema] =
        [
            .integer("source_vocabulary", 1...1e9, "number of tokens of the source"),
            .integer("target_vocabulary", 1...1e9, "number of tokens of the target"),
            .bool("tied", default: true, "logits are products with the target tokens' own vectors"),
            .bool("shared_embedding", default: false, "source and target tokens have the same vectors"),
        ] + StackForm.attributes(layers: 6) + PositionForm.attributes(default: .sinusoidal)
        + LayerForm.attributes(units: 512, heads: 8, dropout: 0.1)

    private let source, target: Int
    private let isTied, sharesEmbedding: Bool
    private let positions: PositionForm
    private let stack: StackForm

    init(_ attributes: Attributes) throws {
        source = attributes.integer("source_vocabulary")
        target = attributes.integer("target_vocabulary")
        isTied = attributes.bool("tied")
        sharesEmbedding = attributes.bool("shared_embedding")
        positions = try PositionForm(attributes)
        stack = StackForm(attributes, try LayerForm(attributes, positions))
        guard !sharesEmbedding || source == target else {
            throw PluginError.attribute(
                "shared_embedding is true, but source_vocabulary is \(source) and target_vocabulary \(target): wanted the "
                    + "same number, of one vocabulary")
        }
    }

    func expand(_ expansion: Expansion) throws {
        let form = stack.form
        let deviation = form.initial.deviation ?? 1 / Double(form.units).squareRoot()
        let sources = try expansion.tokenVectors(
            expansion.input(0), prefix: "encoder.", vocabulary: source, form, positions, deviation: deviation)
        let memory = try expansion.add(
            "transformer.encoder", name: "encoder", inputs: [sources, expansion.input(2)], stack.values)
        let targets = try expansion.tokenVectors(
            expansion.input(1), prefix: "decoder.", vocabulary: target, form, positions, deviation: deviation,
            sharing: sharesEmbedding ? "encoder.embedding" : nil)
        let end = try expansion.add(
            "transformer.decoder", name: "decoder", inputs: [targets, memory, expansion.input(2)], stack.values)
        let embedding = sharesEmbedding ? "encoder.embedding" : "decoder.embedding"
        try expansion.addOutput(
            expansion.logits(
                "decoder.output", end, vocabulary: target, tied: isTied ? embedding : nil, bias: !isTied, form.initial))
    }
}
