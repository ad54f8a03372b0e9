import LaminaSDK

/// The tangent of a normalisation per sample: for x̂ = (x − μ) / σ over a set of n elements, σ² = their variance + epsilon,
/// and y = weight · x̂ + bias, it is ẏ = weight · (ẋ − mean(ẋ) − x̂ · mean(x̂ · ẋ)) / σ.
///
/// Sets are the last `dimensions` axes, with a weight per element of them; or, in [N, C, …], groups of neighbouring channels of a
/// sample, with a weight per channel. It uses the normalisation's weight. Ba, Kiros, Hinton: Layer Normalization, arXiv
/// 1607.06450; Gulrajani et al.: Improved Training of Wasserstein GANs, NeurIPS 2017, for why critics have no other.
struct NormalizationTangent: Layer {
    static let name = "normalization_tangent"
    static let documentation =
        "Derivative of a layer, group or instance normalisation along a direction, of tangent networks."
    static let inputs = [Port("input", .required, "the normalisation's input"), Port("direction")]
    static let attributes: [AttributeSchema] = [
        .integer(
            "dimensions", default: nil, 1...16, "how many of the last axes are normalised together; else channels are"),
        .integer("groups", default: nil, 1...1e9, "number of groups of channels; by default one per channel"),
        .real("epsilon", default: 1e-5, 0...Double.infinity, "added to the variance"),
        .bool("affine", default: true, "multiplies by the weight"),
    ]

    let dimensions: Int?
    let groups: Int?
    let epsilon: Float
    let hasWeight: Bool

    init(_ attributes: Attributes) {
        dimensions = attributes.optionalInteger("dimensions")
        groups = attributes.optionalInteger("groups")
        epsilon = attributes.float("epsilon")
        hasWeight = attributes.bool("affine")
    }

    func infer(_ inference: Inference) throws {
        for index in 0...1 { try inference.require(index, .float32) }
        let host = inference.host
        let (shape, direction) = (inference.shape(0), inference.shape(1))
        guard shape == direction else {
            throw PluginError.shape(
                "the direction has shape \(host.text(direction)), wanted that of the input, \(host.text(shape))",
                input: 1)
        }
        guard shape.count >= dimensions ?? 2 else {
            throw PluginError.shape("the input has shape \(host.text(shape)), wanted \(dimensions ?? 2) axes", input: 0)
        }
        let weighted = try (dimensions.map { shape.suffix($0) } ?? shape[1...1]).map {
            try inference.literal($0, "a normalised dimension, on which the weight's shape depends,")
        }
        if let groups, dimensions == nil, weighted[0] % groups != 0 {
            throw PluginError.shape(
                "the input's \(weighted[0]) channels cannot be split into \(groups) groups", input: 0)
        }
        if hasWeight {
            try inference.addParameter(
                "weight", weighted, initializer: "core.constant", ["value": .real(1)], noDecay: true)
        }
        try inference.addOutput(.float32, shape)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { NormalizationTangentPlan(planning, self) }
}

extension TangentExpansion {
    /// Adds the node for the tangent of a normalisation per sample.
    func expandNormalization(
        _ sets: KeyValuePairs<String, AttributeValue>, epsilon: Double, affine: Bool
    ) throws {
        var attributes = sets.map { ($0.key, $0.value) }
        attributes += [("epsilon", .real(epsilon)), ("affine", .bool(affine))]
        try addOutput(
            add(
                "core.\(NormalizationTangent.name)", name: "tangent", inputs: [input(), tangent()], attributes,
                sharesParameters: true))
    }
}
