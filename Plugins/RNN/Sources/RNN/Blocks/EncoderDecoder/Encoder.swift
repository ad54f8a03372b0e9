import LaminaSDK

/// The encoder of `rnn.encoder_decoder`: embedding, recurrent layers, and the states that a decoder begins with.
///
/// Input tokens [N, Ts] (int64), optional lengths [N]. Output 0 is what the decoder calls memory: with
/// `context: attention` the states of all steps [N, Ts, D · units], else the final state of the top layer
/// [N, D · units]; D is 2 when bidirectional. Output 1 is the decoder's initial hidden state [layers, N, units], output 2
/// (lstm) its cell state.
///
/// A bidirectional encoder, or one with `bridge: true`, has a dense layer in between, the same for all layers: hidden
/// tanh(W [→; ←] + b), and the like for the cell without tanh. Else the final states are handed over as they are.
///
/// Nodes: embedding, embedding_dropout, rnn; for hidden and cell each forward_…, backward_…, joined_…, bridge_…,
/// and tanh. Cho et al. (2014); Sutskever, Vinyals, Le: Sequence to Sequence Learning with Neural Networks (2014); the
/// bridge of tanh is that of Bahdanau, Cho, Bengio (2014), with both directions.
struct Encoder: Block {
    static let name = "encoder"
    static let documentation = "Tokens to the memory and the initial states of an rnn.decoder."
    static let inputs: [Port] = [
        Port("tokens", .required, "source tokens [N, Ts], int64"),
        Port("lengths", .optional, "how many tokens of each sample count [N], int64"),
    ]
    static let attributes: [AttributeSchema] =
        Vocabulary.attributes() + SequenceForm.attributes + EncoderForm.attributes

    private let vocabulary: Vocabulary
    private let form: SequenceForm
    private let own: EncoderForm

    init(_ attributes: Attributes) throws {
        vocabulary = try Vocabulary(attributes)
        form = SequenceForm(attributes)
        own = EncoderForm(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        let vectors = try form.embedded(
            expansion, expansion.input(0), vocabulary: vocabulary.size, padding: vocabulary.padding)
        let memory = try form.recurrent(
            expansion, vectors, lengths: expansion.input(1), bidirectional: own.isBidirectional,
            lastOnly: form.context != .attention)
        try expansion.addOutput(memory)
        var hidden = try bridged(expansion, "hidden", memory + ":1")
        if own.hasBridge { hidden = try expansion.add("core.tanh", name: "tanh", inputs: [hidden]) }
        try expansion.addOutput(hidden)
        if form.cell.hasCellState { try expansion.addOutput(bridged(expansion, "cell", memory + ":2")) }
    }

    /// Final states [layers · D, N, units] to [layers, N, units].
    private func bridged(_ expansion: Expansion, _ name: String, _ states: String) throws -> String {
        if !own.hasBridge { return states }
        var joined = states
        if own.isBidirectional {
            // The directions of each layer follow one another.
            let parts = try ["forward", "backward"].enumerated().map { index, direction in
                try expansion.add(
                    "core.slice", name: "\(direction)_\(name)", inputs: [states],
                    ["axis": .integer(0), "start": .integer(index), "step": .integer(2)])
            }
            joined = try expansion.add(
                "core.concat", name: "joined_\(name)", inputs: parts, ["axis": .integer(-1)])
        }
        return try expansion.add(
            "core.dense", name: "bridge_\(name)", inputs: [joined], ["units": .integer(form.units)])
    }
}

/// What only the encoder has.
struct EncoderForm {
    let isBidirectional: Bool
    let hasBridge: Bool

    static let attributes: [AttributeSchema] = [
        .bool("bidirectional", default: false, "the encoder reads in both directions"),
        .bool("bridge", default: false, "a dense layer between the encoder's and the decoder's states"),
    ]

    /// Of what a decoder is told only the first matters.
    init(_ attributes: Attributes) {
        isBidirectional = attributes.bool("bidirectional")
        hasBridge = isBidirectional || attributes.bool("bridge")
    }

    var values: [(name: String, value: AttributeValue)] {
        [("bidirectional", .bool(isBidirectional)), ("bridge", .bool(hasBridge))]
    }
}
