import LaminaSDK

/// How the parameters of a block begin: weights N(0, deviation²), scales of normalisations N(1, deviation²), biases 0.
///
/// Source: Radford, Metz, Chintala, Unsupervised representation learning with deep convolutional generative adversarial
/// networks (2015), section 4; the scales as in the authors' code.
struct InitialValues {
    /// nil: parameters begin as the layers themselves begin.
    private let deviation: Double?

    static func attribute(default deviation: Double?) -> AttributeSchema {
        .real(
            "deviation", default: deviation, 0...1e6,
            "weights begin normally distributed with this deviation, scales of normalisations around 1, biases at 0"
                + (deviation == nil ? "; default: as in PyTorch" : ""))
    }

    init(_ attributes: Attributes) { deviation = attributes.optionalReal("deviation") }

    /// For a nested block.
    var values: [(name: String, value: AttributeValue)] { deviation.map { [("deviation", .real($0))] } ?? [] }

    /// Of a weight, and of the bias beside it.
    func weights(bias: Bool) -> NodeInitializers {
        guard let deviation else { return [:] }
        let weight: KeyValuePairs<String, AttributeValue> = ["std": .real(deviation)]
        return bias
            ? ["weight": ("core.normal", weight), "bias": ("core.constant", [:])] : ["weight": ("core.normal", weight)]
    }

    /// Of a bias whose weight is another node's.
    var bias: NodeInitializers { deviation == nil ? [:] : ["bias": ("core.constant", [:])] }

    /// Of a normalisation's scale; its bias begins at 0 anyway.
    var scales: NodeInitializers {
        guard let deviation else { return [:] }
        return ["weight": ("core.normal", ["mean": .real(1), "std": .real(deviation)])]
    }
}
