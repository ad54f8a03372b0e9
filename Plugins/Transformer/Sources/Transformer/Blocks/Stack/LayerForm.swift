import LaminaSDK

/// What an encoder's or decoder's layer is like: widths, attention, feed-forward network, normalisation.
struct LayerForm {
    enum Norm: String { case pre, post }

    let units, feedForward: Int
    let attention: AttentionForm
    let dropout: Double
    let activation: String
    let isGated, hasBias: Bool
    let norm: Norm
    let normalization: String
    let epsilon: Double
    let initial: InitialWeights

    /// What blocks have in common. Without a default, units and heads have to be given.
    static func attributes(
        units: Int? = nil, heads: Int? = nil, dropout: Double = 0, activation: String = "relu", norm: Norm = .post,
        epsilon: Double = 1e-5, initial: Double? = nil, residual: String = "initial_std"
    ) -> [AttributeSchema] {
        let documentation = "features of a step, in and out"
        return [
            units.map { .integer("units", default: $0, 1...1e6, documentation) }
                ?? .integer("units", 1...1e6, documentation)
        ] + AttentionForm.attributes(heads: heads) + [
            .integer("feed_forward", default: nil, 1...1e9, "width of the feed-forward network; default: 4 · units"),
            .real("dropout", default: dropout, 0...1, "the probability with which elements become 0 in training"),
            .string(
                "activation", default: activation, choices: ["relu", "gelu", "gelu_tanh", "silu"],
                "of the feed-forward network; gelu_tanh: the approximation of GPT-2"),
            .bool("gated", default: false, "half of a doubled first layer gates the other (silu: SwiGLU)"),
            .string(
                "norm", default: norm.rawValue, choices: ["post", "pre"],
                "post: after the residual is added; pre: before each sublayer (PyTorch's norm_first)"),
            .string("normalization", default: "layer_norm", choices: ["layer_norm", "rms_norm"], "its kind"),
            .real("epsilon", default: epsilon, 0...1e6, "of the normalisation"),
            .bool("bias", default: true, "dense layers and layer norms have biases"),
        ] + InitialWeights.attributes(default: initial, residual: residual)
    }

    init(_ attributes: Attributes, _ positions: PositionForm? = nil, residualFactor: Double = 1) throws {
        units = attributes.integer("units")
        attention = try AttentionForm(attributes, units: units, positions)
        feedForward = attributes.optionalInteger("feed_forward") ?? 4 * units
        dropout = attributes.real("dropout")
        activation = attributes.string("activation")
        isGated = attributes.bool("gated")
        norm = Norm(rawValue: attributes.string("norm"))!
        normalization = attributes.string("normalization")
        epsilon = attributes.real("epsilon")
        hasBias = attributes.bool("bias")
        initial = InitialWeights(attributes, residualFactor: residualFactor)
    }

    /// For a nested block.
    var values: [(name: String, value: AttributeValue)] {
        [("units", .integer(units))] + attention.values + [
            ("feed_forward", .integer(feedForward)), ("dropout", .real(dropout)), ("activation", .string(activation)),
            ("gated", .bool(isGated)), ("norm", .string(norm.rawValue)), ("normalization", .string(normalization)),
            ("epsilon", .real(epsilon)), ("bias", .bool(hasBias)),
        ] + initial.values
    }

    // MARK: Parts of a layer

    func normalized(_ expansion: Expansion, _ name: String, _ input: String) throws -> String {
        if normalization == "rms_norm" {
            return try expansion.add(
                "transformer.rms_norm", name: name, inputs: [input], ["epsilon": .real(epsilon)])
        }
        return try expansion.add(
            "core.layer_norm", name: name, inputs: [input], ["epsilon": .real(epsilon), "bias": .bool(hasBias)])
    }

    /// Residual connection `index` of a layer: x + D(f(norm(x))), or norm(x + D(f(x))); D: dropout.
    ///
    /// Nodes: norm1, those of f, dropout1, add1 for index 1.
    func residual(
        _ expansion: Expansion, _ index: Int, around input: String, _ sublayer: (String) throws -> String
    ) throws -> String {
        let start = norm == .pre ? try normalized(expansion, "norm\(index)", input) : input
        let end = try expansion.dropout("dropout\(index)", sublayer(start), rate: dropout)
        let sum = try expansion.add("core.add", name: "add\(index)", inputs: [input, end])
        return norm == .pre ? sum : try normalized(expansion, "norm\(index)", sum)
    }

    /// Nodes: self_attn, or another name.
    func attended(
        _ expansion: Expansion, _ name: String, _ inputs: [String?], causal: Bool = false, cross: Bool = false
    ) throws -> String {
        var attention = attention.values
        // Positions of the two sequences of a cross-attention have nothing to do with each other.
        if cross { attention.removeAll { ["alibi", "rotary", "window"].contains($0.name) } }
        return try expansion.add(
            "transformer.multi_head_attention", name: name, inputs: inputs,
            [("units", .integer(units))] + attention + [
                ("causal", .bool(causal)), ("cross", .bool(cross)), ("dropout", .real(dropout)),
                ("bias", .bool(hasBias)),
            ] + initial.values)
    }

    /// y = W₂ D(f(W₁ x + b₁)) + b₂. Nodes: linear1, activation, dropout, linear2.
    func fedForward(_ expansion: Expansion, _ input: String) throws -> String {
        var end = try expansion.dense(
            "linear1", input, units: isGated ? 2 * feedForward : feedForward, bias: hasBias,
            initial.initializers(bias: hasBias))
        end = try activated(expansion, end)
        end = try expansion.dropout("dropout", end, rate: dropout)
        return try expansion.dense(
            "linear2", end, units: units, bias: hasBias, initial.initializers(residual: true, bias: hasBias))
    }

    private func activated(_ expansion: Expansion, _ input: String) throws -> String {
        if isGated {
            return try expansion.add(
                "transformer.gate", name: "activation", inputs: [input], ["activation": .string(activation)])
        }
        return try expansion.activation("activation", input, activation)
    }
}

extension Expansion {
    /// - Parameter kind: relu, gelu, gelu_tanh or silu.
    func activation(_ name: String, _ input: String, _ kind: String) throws -> String {
        if kind == "gelu_tanh" {
            return try add("core.gelu", name: name, inputs: [input], ["approximate": .string("tanh")])
        }
        return try add("core.\(kind)", name: name, inputs: [input])
    }
}
