import LaminaSDK

/// Attention of several heads with its projections: of a sequence to itself, or with `cross: true` to a memory.
///
/// Query [N, Tq, E]; memory [N, Tk, F]; lengths [N] say how many keys of each sample count. Output [N, Tq, units].
///
///     self   [q; k; v] = W_in x + b_in              y = W_out attention(q, k, v) + b_out
///     cross  q = W_q x + b_q, k = W_k m + b_k, v = W_v m + b_v
///
/// Queries have heads · head_size features, keys and values key_heads · head_size each. With `rotary`, queries and keys of a
/// self-attention are turned by their positions. Which steps see which: `transformer.dot_product_attention`.
///
/// Nodes: in_proj, rotary, attention, out_proj; or q_proj, k_proj, v_proj, attention, out_proj. Rows of in_proj.weight stand
/// as in PyTorch's in_proj_weight, which is also q_proj, k_proj and v_proj one below the other; as there, that
/// matrix begins by Xavier, out_proj as a dense layer does, and all biases at 0. Vaswani et al.: Attention Is All You Need (2017); Ainslie et al.: GQA (2023); reference:
/// `torch.nn.MultiheadAttention`.
struct MultiHeadAttention: Block {
    static let name = "multi_head_attention"
    static let documentation = "Attention of several heads with its projections, to the sequence itself or to a memory."
    static let inputs: [Port] = [
        Port("query", .required, "steps that ask [N, Tq, E]"),
        Port("memory", .optional, "steps that are asked [N, Tk, F]; for cross: true"),
        Port("lengths", .optional, "how many of the steps that are asked count [N], int64"),
    ]
    static let attributes: [AttributeSchema] =
        [.integer("units", 1...1e6, "features of the output")] + AttentionForm.attributes() + AttentionForm.positions
        + [
            .bool("causal", default: false, "no step sees a later one"),
            .bool("cross", default: false, "keys and values are those of the memory"),
            .real("dropout", default: 0, 0...1, "the probability with which a weight becomes 0 in training"),
            .bool("bias", default: true, "projections have biases"),
        ] + InitialWeights.attributes()

    private let units: Int
    private let form: AttentionForm
    private let isCausal, isCross, hasBias: Bool
    private let dropout: Double
    private let initial: InitialWeights

    init(_ attributes: Attributes) throws {
        units = attributes.integer("units")
        form = try AttentionForm(attributes, units: units)
        isCausal = attributes.bool("causal")
        isCross = attributes.bool("cross")
        dropout = attributes.real("dropout")
        hasBias = attributes.bool("bias")
        initial = InitialWeights(attributes)
        guard !isCross || form.rotary == nil else {
            throw PluginError.attribute(
                "rotary and cross are both given: steps of query and memory have no common positions, leave out one")
        }
    }

    func expand(_ expansion: Expansion) throws {
        let (query, memory, lengths) = (expansion.input(0), expansion.input(1), expansion.input(2))
        guard !isCross || expansion.inputCount > 1 else {
            throw PluginError.shape("cross is true, but no memory is connected: name one with `from: [query, memory]`")
        }
        guard isCross || expansion.inputCount != 2 else {
            throw PluginError.shape("a memory is connected, but cross is false: set cross: true, or leave it out")
        }
        var inputs: [String?]
        if isCross {
            inputs = try [
                ("q_proj", query, form.queryUnits), ("k_proj", memory, form.keyUnits),
                ("v_proj", memory, form.keyUnits),
            ].map { name, input, units in
                try expansion.dense(name, input, units: units, bias: hasBias, initializersOfPart(units))
            }
        } else {
            var packed = try expansion.dense(
                "in_proj", query, units: form.queryUnits + 2 * form.keyUnits, bias: hasBias, initializersOfPacked)
            if let base = form.rotary {
                packed = try expansion.add(
                    "transformer.rotary", name: "rotary", inputs: [packed],
                    [
                        "heads": .integer(form.heads), "key_heads": .integer(form.keyHeads), "base": .real(base),
                        "packed": .bool(true),
                    ])
            }
            inputs = [packed, nil, nil]
        }
        let attended = try expansion.add(
            "transformer.dot_product_attention", name: "attention", inputs: inputs + [lengths],
            form.layerValues(causal: isCausal, dropout: dropout))
        try expansion.addOutput(
            expansion.dense("out_proj", attended, units: units, bias: hasBias, initializersOfOutput))
    }

    // MARK: Initial weights, those of PyTorch unless a deviation is given

    private var initializersOfPacked: NodeInitializers {
        if initial.deviation != nil { return initial.initializers(bias: hasBias) }
        return InitialWeights.initializers("core.xavier_uniform", bias: hasBias)
    }

    /// Of q_proj, k_proj or v_proj: parts of one matrix by Xavier, [q; k; v] of `units` features, whose elements are
    /// smaller than those of a matrix of its own.
    private func initializersOfPart(_ rows: Int) -> NodeInitializers {
        if initial.deviation != nil { return initial.initializers(bias: hasBias) }
        let (own, all) = (Double(units + rows), Double(units + form.queryUnits + 2 * form.keyUnits))
        return InitialWeights.initializers(
            "core.xavier_uniform", ["gain": .real((own / all).squareRoot())], bias: hasBias)
    }

    private var initializersOfOutput: NodeInitializers {
        let given = initial.initializers(residual: true, bias: hasBias)
        return given.isEmpty && hasBias ? ["bias": ("core.constant", [:])] : given
    }
}
