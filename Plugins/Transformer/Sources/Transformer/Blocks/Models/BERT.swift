import LaminaSDK

/// An encoder in the manner of BERT: tokens [N, T], some of them masked, to the logits of all tokens [N, T, vocabulary].
///
/// Vectors of tokens, positions, a norm, layers that see in both directions, and a head: dense, gelu, norm, products with
/// the tokens' vectors. Lengths [N] say how many tokens of each sample count. `transformer.mask_tokens` hides tokens, and
/// `core.cross_entropy: { class_axis: -1 }` compares with what was there, at those places alone. With `classes` the head is a
/// dense layer with tanh and another on the first step's vector: logits [N, classes].
///
/// `segments` adds a vector for the segment of each token, given as [N, T]; what is one text, is of segment 0, and needs no such
/// input. BERT as it was published has `{ segments: 2, output_bias: true }`.
///
/// Nodes: embedding, segment_embedding, positions, embedding_norm, dropout, layers.0, … (each a `transformer.encoder_layer`), transform,
/// transform_activation, transform_norm, output; with `classes` first_step, first_step_vector, pooler, pooler_activation,
/// classifier_dropout, classifier. Devlin et al.: BERT (2019).
struct BERT: Block {
    static let name = "bert"
    static let documentation = "Encoder of tokens that sees in both directions, with the head for masked tokens."
    static let inputs: [Port] = [
        Port("tokens", .required, "tokens [N, T], int64"),
        Port("lengths", .optional, "how many tokens of each sample count [N], int64"),
        Port("segments", .optional, "the segment of each token [N, T], int64; without it, 0"),
    ]
    static let attributes: [AttributeSchema] =
        [
            .integer("vocabulary", 1...1e9, "number of tokens: they run from 0 to vocabulary - 1"),
            .integer("classes", default: nil, 1...1e9, "classify whole texts instead: so many logits"),
            .integer(
                "segments", default: nil, 1...1e9, "segments that tokens may belong to; default: no vectors of them"),
            .bool("output_bias", default: false, "logits of tokens have a bias; not with classes"),
        ] + StackForm.attributes(layers: 12) + PositionForm.attributes(default: .learned)
        + LayerForm.attributes(
            units: 768, heads: 12, dropout: 0.1, activation: "gelu", epsilon: 1e-12, initial: 0.02)

    private let vocabulary: Int
    private let classes, segments: Int?
    private let hasOutputBias: Bool
    private let positions: PositionForm
    private let stack: StackForm

    init(_ attributes: Attributes) throws {
        vocabulary = attributes.integer("vocabulary")
        classes = attributes.optionalInteger("classes")
        segments = attributes.optionalInteger("segments")
        hasOutputBias = attributes.bool("output_bias")
        positions = try PositionForm(attributes)
        stack = StackForm(attributes, try LayerForm(attributes, positions))
        guard !(hasOutputBias && classes != nil) else {
            throw PluginError.attribute(
                "output_bias and classes are both given, but with classes there are no logits of tokens: leave out one")
        }
    }

    func expand(_ expansion: Expansion) throws {
        let form = stack.form
        guard segments != nil || expansion.inputCount < 3 else {
            throw PluginError.shape(
                "segments are connected, but the attribute is not given: set segments to how many there are")
        }
        var end = try expansion.tokenVectors(
            expansion.input(0), vocabulary: vocabulary, form, positions, deviation: form.initial.deviation ?? 0.02,
            segments: segments.map { ($0, expansion.input(2)) }, norm: true)
        end = try stack.layers(expansion, "transformer.encoder_layer", end, [expansion.input(1)])
        end = try stack.normalized(expansion, end)
        try expansion.addOutput(classes.map { try classified(expansion, end, $0) } ?? predicted(expansion, end))
    }

    /// Masked tokens.
    private func predicted(_ expansion: Expansion, _ input: String) throws -> String {
        let form = stack.form
        var end = try expansion.dense(
            "transform", input, units: form.units, bias: form.hasBias, form.initial.initializers(bias: form.hasBias))
        end = try expansion.activation("transform_activation", end, form.activation)
        end = try form.normalized(expansion, "transform_norm", end)
        return try expansion.logits(
            "output", end, vocabulary: vocabulary, tied: "embedding", bias: hasOutputBias, form.initial)
    }

    private func classified(_ expansion: Expansion, _ input: String, _ classes: Int) throws -> String {
        let form = stack.form
        var end = try expansion.step(0, "first_step", of: input)
        end = try expansion.dense(
            "pooler", end, units: form.units, bias: true, form.initial.initializers(bias: true))
        end = try expansion.add("core.tanh", name: "pooler_activation", inputs: [end])
        end = try expansion.dropout("classifier_dropout", end, rate: form.dropout)
        return try expansion.dense("classifier", end, units: classes, bias: true, form.initial.initializers(bias: true))
    }
}

extension Expansion {
    /// The vector of one step: [N, T, F] to [N, F]. Nodes: <name>, <name>_vector.
    func step(_ index: Int, _ name: String, of input: String) throws -> String {
        let slice = try add(
            "core.slice", name: name, inputs: [input],
            ["axis": .integer(1), "start": .integer(index), "end": .integer(index + 1)])
        return try add("core.flatten", name: name + "_vector", inputs: [slice])
    }
}
