import LaminaSDK

extension Expansion {
    /// Tokens [N, T] to vectors with positions [N, T, units].
    ///
    /// Nodes: <prefix>embedding, <prefix>segment_embedding, <prefix>positions, <prefix>embedding_norm, <prefix>dropout.
    ///
    /// - Parameters:
    ///   - deviation: of the vectors at first.
    ///   - sharing: the embedding whose vectors these are.
    ///   - segments: how many there are, and the input that tells them apart, which need not be connected.
    func tokenVectors(
        _ tokens: String, prefix: String = "", vocabulary: Int, _ form: LayerForm, _ positions: PositionForm,
        deviation: Double, sharing: String? = nil,
        segments: (count: Int, input: String)? = nil, norm: Bool = false
    ) throws -> String {
        let attributes: KeyValuePairs<String, AttributeValue> = [
            "count": .integer(vocabulary), "dimension": .integer(form.units),
        ]
        var end = try add(
            "core.embedding", name: prefix + "embedding", inputs: [tokens], attributes, sharing: sharing,
            initializers: sharing == nil ? ["weight": ("core.normal", ["std": .real(deviation)])] : [:])
        if let segments {
            end = try add(
                "transformer.segment_vectors", name: prefix + "segment_embedding", inputs: [end, segments.input],
                ["count": .integer(segments.count)],
                initializers: ["weight": ("core.normal", ["std": .real(deviation)])])
        }
        end = try positions.added(
            self, prefix + "positions", to: end, scale: Double(form.units).squareRoot())
        if norm { end = try form.normalized(self, prefix + "embedding_norm", end) }
        return try dropout(prefix + "dropout", end, rate: form.dropout)
    }

    /// Logits of a vocabulary: with `tied` products with the embedding's vectors, else with weights of their own.
    ///
    /// A bias is theirs in any case.
    func logits(
        _ name: String, _ input: String, vocabulary: Int, tied embedding: String?, bias: Bool, _ initial: InitialWeights
    ) throws -> String {
        guard let embedding else {
            return try dense(name, input, units: vocabulary, bias: bias, initial.initializers(bias: bias))
        }
        return try add(
            "core.dense", name: name, inputs: [input], ["units": .integer(vocabulary), "bias": .bool(bias)],
            sharing: embedding, initializers: bias ? ["bias": ("core.constant", [:])] : [:])
    }
}
