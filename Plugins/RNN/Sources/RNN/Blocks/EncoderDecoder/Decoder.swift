import LaminaSDK

/// The decoder of `rnn.encoder_decoder`; on its own, a recurrent language model.
///
/// Input tokens [N, Tt] (int64), each the one before that which is to be predicted; hidden and (lstm) cell
/// [layers, N, units], zeros by default; memory as `rnn.encoder` gives it, with the lengths [N] of its sequences;
/// target_lengths [N], for final states of sequences that end early. Output 0 are logits [N, Tt, vocabulary]; then, with
/// `context: attention`, the weights [N, Tt, Ts]; then the states after the last token: hidden and (lstm) cell.
///
///     initial_state  logits = W rnn(E[tokens], states) + b
///     concatenated   logits = W rnn([E[tokens]; memory], states) + b                    (memory at every step)
///     attention      logits = W attention(rnn(E[tokens], states), memory) + b           (see rnn.attention)
///
/// The attentional state is not fed to the next step, so that all steps of training are computed together, and any number
/// of tokens at a time gives the same: one token after the other, each with the states of the one before, is decoding.
///
/// Nodes: embedding, embedding_dropout, repeated, joined, rnn, attention, output_dropout, output. Without context this is
/// Sutskever, Vinyals, Le (2014), concatenated Cho et al. (2014), attention Luong, Pham, Manning (2015).
struct Decoder: Block {
    static let name = "decoder"
    static let documentation = "Tokens, states and a memory to logits, attention weights and the next states."
    static let inputs: [Port] = [
        Port("tokens", .required, "the tokens before those to predict [N, Tt], int64"),
        Port("hidden", .optional, "hidden states to begin with [layers, N, units]; default: zeros"),
        Port("cell", .optional, "cell states to begin with; for cell: lstm"),
        Port("memory", .optional, "output 0 of rnn.encoder; not for context: initial_state"),
        Port("lengths", .optional, "how many steps of the memory count [N], int64; for context: attention"),
        Port("target_lengths", .optional, "how many tokens of each sample count [N], int64"),
    ]
    static let attributes: [AttributeSchema] =
        Vocabulary.attributes() + SequenceForm.attributes + AttentionForm.attributes

    private let vocabulary: Vocabulary
    private let form: SequenceForm
    private let attention: AttentionForm

    init(_ attributes: Attributes) throws {
        vocabulary = try Vocabulary(attributes)
        form = SequenceForm(attributes)
        attention = AttentionForm(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        let (tokens, memory) = (expansion.input(0), expansion.input(3))
        var end = try form.embedded(
            expansion, tokens, vocabulary: vocabulary.size, padding: vocabulary.padding)
        if form.context == .concatenated {
            let repeated = try expansion.add("rnn.repeat_over_time", name: "repeated", inputs: [memory, tokens])
            end = try expansion.add("core.concat", name: "joined", inputs: [end, repeated], ["axis": .integer(-1)])
        }
        let states = [expansion.input(1)] + (form.cell.hasCellState ? [expansion.input(2)] : [])
        let rnn = try form.recurrent(expansion, end, lengths: expansion.input(5), states: states)
        end = rnn
        if form.context == .attention {
            end = try expansion.add(
                "rnn.attention", name: "attention", inputs: [rnn, memory, expansion.input(4)], attention.layerValues)
        }
        end = try form.dropped(expansion, "output_dropout", end)
        end = try expansion.add("core.dense", name: "output", inputs: [end], ["units": .integer(vocabulary.size)])
        try expansion.addOutput(end)
        if form.context == .attention { try expansion.addOutput("attention:1") }
        try expansion.addOutput(rnn + ":1")
        if form.cell.hasCellState { try expansion.addOutput(rnn + ":2") }
    }
}

/// What the decoder hands on to `rnn.attention`.
struct AttentionForm {
    private let score, scope: String
    private let window: Int
    private let bias: Bool
    private let units: Int?

    static let attributes: [AttributeSchema] = [
        .string(
            "score", default: "general", choices: ["dot", "general", "concat"],
            "attention: how a state is compared with a step of the memory"),
        .string(
            "scope", default: "global", choices: ["global", "local"],
            "attention: to all steps, or to a window around a predicted position"),
        .integer("window", default: 10, 1...1e6, "attention: steps on either side of that position"),
        .integer("attention_units", default: nil, 1...1e9, "attention: size of the attentional state; default: units"),
        .bool("attention_bias", default: false, "attention: biases, which the paper has not"),
    ]

    init(_ attributes: Attributes) {
        score = attributes.string("score")
        scope = attributes.string("scope")
        window = attributes.integer("window")
        units = attributes.optionalInteger("attention_units")
        bias = attributes.bool("attention_bias")
    }

    var isDot: Bool { score == "dot" }

    var layerValues: [(name: String, value: AttributeValue)] {
        [
            ("score", .string(score)), ("scope", .string(scope)), ("window", .integer(window)), ("bias", .bool(bias)),
        ] + (units.map { [("units", .integer($0))] } ?? [])
    }

    /// The same for a nested block.
    var values: [(name: String, value: AttributeValue)] {
        [
            ("score", .string(score)), ("scope", .string(scope)), ("window", .integer(window)),
            ("attention_bias", .bool(bias)),
        ] + (units.map { [("attention_units", .integer($0))] } ?? [])
    }
}
