import LaminaSDK

/// An encoder-decoder for training with teacher forcing: source and target tokens to logits.
///
/// Inputs source [N, Ts] and target [N, Tt] (int64), optional lengths and target_lengths [N]. The target begins with the
/// token that says so; its step t is what the decoder is told before it predicts, so the loss compares step t with token
/// t + 1. Output 0 are logits [N, Tt, target_vocabulary], for `core.cross_entropy: { class_axis: -1 }`; output 1, with
/// `context: attention`, the weights [N, Tt, Ts]. Nodes: encoder (`rnn.encoder`) and decoder (`rnn.decoder`), which say
/// what the three contexts are.
///
/// Decoding. Both blocks have the same attributes here and on their own, and their parameters the same names behind this
/// block's: encoder.embedding.weight, encoder.rnn.weight_ih_l0, …, decoder.output.weight. So a graph of `rnn.encoder`
/// named "encoder" and one of `rnn.decoder` named "decoder" (or "x.encoder" and "x.decoder" for a block named x) take
/// the weights of the trained model by name: the first runs once per source, the second once per token with Tt = 1. The
/// decoder's inputs hidden and cell are at first the encoder's outputs 1 and 2, afterwards its own last outputs; memory
/// and lengths stay. Equally the expanded graph can be cut: all nodes "decoder.…" take from outside are the target tokens,
/// outputs of "encoder.…" nodes and lengths; the states after the last token are outputs 1 and 2 of "decoder.rnn".
struct EncoderDecoder: Block {
    static let name = "encoder_decoder"
    static let documentation = "Encoder and decoder over tokens, with a fixed context or attention: logits per step."
    static let inputs: [Port] = [
        Port("source", .required, "source tokens [N, Ts], int64"),
        Port("target", .required, "target tokens from the beginning on [N, Tt], int64"),
        Port("lengths", .optional, "how many source tokens of each sample count [N], int64"),
        Port("target_lengths", .optional, "how many target tokens of each sample count [N], int64"),
    ]
    static let attributes: [AttributeSchema] =
        Vocabulary.attributes(prefix: "source_") + Vocabulary.attributes(prefix: "target_") + SequenceForm.attributes
        + EncoderForm.attributes + AttentionForm.attributes

    private let source, target: Vocabulary
    private let form: SequenceForm
    private let encoder: EncoderForm
    private let attention: AttentionForm

    init(_ attributes: Attributes) throws {
        source = try Vocabulary(attributes, prefix: "source_")
        target = try Vocabulary(attributes, prefix: "target_")
        form = SequenceForm(attributes)
        encoder = EncoderForm(attributes)
        attention = AttentionForm(attributes)
        guard !(form.context == .attention && attention.isDot && encoder.isBidirectional) else {
            throw PluginError.attribute(
                "score dot compares vectors of one size, but the steps of a bidirectional encoder have 2 · units: use "
                    + "general or concat")
        }
    }

    func expand(_ expansion: Expansion) throws {
        let lengths = expansion.input(2)
        let memory = try expansion.add(
            "rnn.encoder", name: "encoder", inputs: [expansion.input(0), lengths],
            source.values + form.values + encoder.values)
        let decoder = try expansion.add(
            "rnn.decoder", name: "decoder",
            inputs: [
                expansion.input(1), memory + ":1", form.cell.hasCellState ? memory + ":2" : nil,
                form.context == .initialState ? nil : memory, form.context == .attention ? lengths : nil,
                expansion.input(3),
            ], target.values + form.values + attention.values)
        try expansion.addOutput(decoder)
        if form.context == .attention { try expansion.addOutput(decoder + ":1") }
    }
}
