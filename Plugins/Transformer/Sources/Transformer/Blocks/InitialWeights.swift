import LaminaSDK

/// How the weights of a block's dense layers and embeddings begin.
struct InitialWeights {
    /// Of a normal distribution; nil: as the layers themselves begin.
    let deviation: Double?
    /// Of weights whose result is added to a residual stream.
    let residual: Double?

    /// - Parameter residual: what `residual_std` is unless it is given.
    static func attributes(
        default deviation: Double? = nil, residual: String = "initial_std"
    ) -> [AttributeSchema] {
        [
            .real(
                "initial_std", default: deviation, 0...1e6,
                "weights begin normally distributed with this deviation, biases at 0"
                    + (deviation == nil ? "; default: as in PyTorch" : "")),
            .real(
                "residual_std", default: nil, 0...1e6,
                "the same for weights whose result is added to a residual; default: \(residual)"),
        ]
    }

    /// - Parameter residual: what takes the place of `initial_std` when only that is given.
    init(_ attributes: Attributes, residualFactor: Double = 1) {
        deviation = attributes.optionalReal("initial_std")
        residual = attributes.optionalReal("residual_std") ?? deviation.map { $0 * residualFactor }
    }

    /// For a nested block.
    var values: [(name: String, value: AttributeValue)] {
        (deviation.map { [("initial_std", .real($0))] } ?? [])
            + (residual.map { [("residual_std", .real($0))] } ?? [])
    }

    /// Of a matrix, and of a dense layer's bias beside it.
    func initializers(residual isResidual: Bool = false, bias: Bool) -> NodeInitializers {
        guard let deviation = isResidual ? residual : deviation else { return [:] }
        return Self.initializers("core.normal", ["std": .real(deviation)], bias: bias)
    }

    /// Of a matrix, and 0 of the bias beside it.
    static func initializers(
        _ component: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:], bias: Bool
    ) -> NodeInitializers {
        bias
            ? ["weight": (component, attributes), "bias": ("core.constant", [:])] : ["weight": (component, attributes)]
    }
}

extension Expansion {
    func dense(
        _ name: String, _ input: String, units: Int, bias: Bool, _ initializers: NodeInitializers = [:]
    ) throws -> String {
        try add(
            "core.dense", name: name, inputs: [input], ["units": .integer(units), "bias": .bool(bias)],
            initializers: initializers)
    }

    /// The input itself when nothing is dropped.
    func dropout(_ name: String, _ input: String, rate: Double) throws -> String {
        if rate == 0 { return input }
        return try add("core.dropout", name: name, inputs: [input], ["rate": .real(rate)])
    }
}
