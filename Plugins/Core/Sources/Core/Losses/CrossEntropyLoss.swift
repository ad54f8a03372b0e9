import LaminaSDK

/// Cross-entropy between the softmax of logits and a target, fused.
///
///     p = softmax(x)    class indices:  ℓ = −w_t log p_t       mean: Σ ℓ / Σ w_t
///                       probabilities:  ℓ = −Σ_c w_c t_c log p_c    mean: Σ ℓ / rows
///
/// `input` is [N, C] or [N, C, d…], or has the classes on another axis: with `class_axis: -1` [N, T, C], as sequence
/// models give it. `target` is int64 with class indices and the input's shape without that axis, or float32 with the
/// input's shape and the probability of every class. Label smoothing ε replaces the target t by (1 − ε) t + ε / C. Rows
/// whose label is `ignore_index`, such as padding, count for nothing, not even in the mean's divisor; when all are, the
/// mean is NaN and the gradient 0, as in PyTorch. A label outside 0 … C − 1 fails with LAMINA_ERROR_DATA. The output is a
/// scalar. Backward recomputes p from the logits and two numbers per row. Reference: `torch.nn.CrossEntropyLoss`; label
/// smoothing: Szegedy et al., Rethinking the Inception Architecture (2016).
struct CrossEntropyLoss: Layer {
    static let name = "cross_entropy"
    static let documentation = "Cross-entropy of logits with class indices or class probabilities."
    static let link: String? = "core.softmax"
    static let attributes: [AttributeSchema] = [
        .reals("class_weights", default: [], 0 ... .infinity, "One weight per class; empty: all 1."),
        .integer("ignore_index", default: -100, "The label whose rows count for nothing."),
        .real("label_smoothing", default: 0, 0...1, "The share ε of the target that is spread over all classes."),
        ClassAxis.schema,
        Reduction.schema,
    ]

    static let inputs: [Port] = [
        Port("input", .required, "Logits [N, C, d…], or with the classes on class_axis."),
        Port("target", .required, "Class indices (int64) [N, d…] or probabilities of the input's shape (float32)."),
    ]

    let classWeights: [Float]
    let ignoreIndex: Int
    let smoothing: Double
    let axis: ClassAxis
    let reduction: Reduction

    init(_ attributes: Attributes) {
        classWeights = attributes.reals("class_weights").map { Float($0) }
        ignoreIndex = attributes.integer("ignore_index")
        smoothing = attributes.real("label_smoothing")
        axis = ClassAxis(attributes)
        reduction = Reduction(attributes)
    }

    func infer(_ inference: Inference) throws {
        let isIndices = try ClassRows.infer(inference, axis: axis, probabilities: true)
        try ClassWeights.check(classWeights, inference, axis)
        if !isIndices, ignoreIndex >= 0 {
            throw PluginError.attribute(
                "ignore_index is \(ignoreIndex), but the target holds probabilities: leave it out, "
                    + "or give class indices"
            )
        }
        try inference.addOutput(.float32, [])
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

    static func check(_ values: [Float], _ inference: Inference, _ axis: ClassAxis) throws {
        guard !values.isEmpty else { return }
        let shape = inference.shape(0)
        let classes = shape[axis.position(rank: shape.count)!]
        guard classes.literal == values.count else {
            throw PluginError.attribute(
                "class_weights has \(values.count) values, the input has \(inference.host.text(classes)) classes: "
                    + "give one weight per class")
        }
    }
}
