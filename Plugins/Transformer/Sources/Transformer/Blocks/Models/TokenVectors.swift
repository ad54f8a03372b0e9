import LaminaSDK

extension Expansion {
    /// Tokens [N, T] to vectors with positions [N, T, units]. Nodes: <prefix>embedding, <prefix>positions, <prefix>dropout.
    ///
    /// - Parameters:
    ///   - deviation: of the vectors at first.
    ///   - sharing: the embedding whose vectors these are.
    func tokenVectors(
        _ tokens: String, prefix: String = "", vocabulary: Int, _ form: LayerForm, _ positions: PositionForm,
        deviation: Double, sharing: String? = nil, norm: Bool = false
    ) throws -> String {
        let attributes: KeyValuePairs<String, AttributeValue> = [
            "count": .integer(vocabulary), "dimension": .integer(form.units),
        ]
        var end = try add(
            "core.embedding", name: prefix + "embedding", inputs: [tokens], attributes, sharing: sharing,
            initializers: sharing == nil ? ["weight": ("core.normal", ["std": .real(deviation)])] : [:])
        end = try positions.added(
            self, prefix + "positions", to: end, scale: Double(form.units).squareRoot())
        if norm { end = try form.normalized(self, prefix + "embedding_norm", end) }
        return try dropout(prefix + "dropout", end, rate: form.dropout)
    }

    /// Logits of a vocabulary: with `tied` products with the embedding's vectors, else a dense layer of its own.
    func logits(
        _ name: String, _ input: String, vocabulary: Int, tied embedding: String?, bias: Bool, _ initial: InitialWeights
    ) throws -> String {
        guard let embedding else {
            return try dense(name, input, units: vocabulary, bias: bias, initial.initializers(bias: bias))
        }
        return try add(
            "core.dense", name: name, inputs: [input], ["units": .integer(vocabulary), "bias": .bool(false)],
            sharing: embedding)
    }
}
