import LaminaSDK

/// Cross-entropy between the softmax of logits and a target, fused.
///
///     p = softmax(x)    class indices:  ℓ = −w_t log p_t       mean: Σ ℓ / Σ w_t
///                       probabilities:  ℓ = −Σ_c w_c t_c log p_c    mean: Σ ℓ / rows
///
/// `input` is [N, C] or [N, C, d…]. `target` is int64 [N, d…] with class indices, or float32 with the input's shape and
/// the probability of every class. Label smoothing ε replaces the target t by (1 − ε) t + ε / C. Rows whose label is
/// `ignore_index` count for nothing. A label outside 0 … C − 1 fails with LAMINA_ERROR_DATA. The output is a scalar.
/// Backward recomputes p from the logits and two numbers per row. Reference: `torch.nn.CrossEntropyLoss`; label
/// smoothing: Szegedy et al., Rethinking the Inception Architecture (2016).
struct CrossEntropyLoss: Layer {
    static let name = "cross_entropy"
    static let documentation = "Cross-entropy of logits with class indices or class probabilities."
    static let link: String? = "core.softmax"
    static let attributes: [AttributeSchema] = [
        .reals("class_weights", default: [], 0 ... .infinity, "One weight per class; empty: all 1."),
        .integer("ignore_index", default: -100, "The label whose rows count for nothing."),
        .real("label_smoothing", default: 0, 0...1, "The share ε of the target that is spread over all classes."),
        Reduction.schema,
    ]

    static let inputs: [Port] = [
        Port("input", .required, "Logits [N, C, d…]."),
        Port("target", .required, "Class indices [N, d…] (int64) or probabilities of the input's shape (float32)."),
    ]

    let classWeights: [Float]
    let ignoreIndex: Int
    let smoothing: Double
    let reduction: Reduction

    init(_ attributes: Attributes) {
        classWeights = attributes.reals("class_weights").map { Float($0) }
        ignoreIndex = attributes.integer("ignore_index")
        smoothing = attributes.real("label_smoothing")
        reduction = Reduction(attributes)
    }

    func infer(_ inference: Inference) throws {
        let isIndices = try ClassRows.infer(inference, probabilities: true)
        try ClassWeights.check(classWeights, inference)
        if !isIndices, ignoreIndex >= 0 {
            throw PluginError.attribute(
                "ignore_index is \(ignoreIndex), but the target holds probabilities: leave it out, "
                    + "or give class indices"
            )
        }
        try inference.addOutput(.float32, [])
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        planning.input(1).dtype == .int64
            ? CrossEntropyOfIndices(self, planning) : CrossEntropyOfProbabilities(self, planning)
    }
}

/// The weights of the classes; all 1 when none are given.
struct ClassWeights {
    private let values: [Float]
    let sum: Double

    init(_ values: [Float], classes: Int) {
        self.values = values
        sum = values.isEmpty ? Double(classes) : values.reduce(0) { $0 + Double($1) }
    }

    var areGiven: Bool { !values.isEmpty }

    @inline(__always)
    subscript(index: Int) -> Float { values.isEmpty ? 1 : values[index] }

    static func check(_ values: [Float], _ inference: Inference) throws {
        guard !values.isEmpty else { return }
        let classes = inference.shape(0)[1]
        guard classes.literal == values.count else {
            throw PluginError.attribute(
                "class_weights has \(values.count) values, the input has \(inference.host.text(classes)) classes: "
                    + "give one weight per class")
        }
    }
}
