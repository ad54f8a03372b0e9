import LaminaSDK

/// A generator of dense layers: noise [N, Z] to samples [N, shape…].
///
/// Dense and activation for each number in `units`, then a dense layer to the samples' elements, `output`, and their
/// shape. With `classes` an embedding of the label, as long as there are classes, joins the noise. Nodes: fc1, act1, …,
/// head, the output's activation, reshape; label_embedding and concat before them. Source: Goodfellow et al., Generative
/// adversarial nets (2014).
struct MLPGenerator: Block {
    static let name = "mlp_generator"
    static let documentation = "Generator of dense layers: noise [N, Z] to samples of a shape."
    static let inputs: [Port] = [Port("noise", .required, "noise [N, Z]"), ClassLabel.port]
    static let attributes: [AttributeSchema] = [
        .integers("units", default: [256, 512], 1...1e9, count: 0...64, "sizes of the hidden layers"),
        .integers("shape", 1...1e9, count: 1...7, "shape of one sample, such as [2] or [1, 28, 28]"),
        .string("activation", default: "core.relu", "id of the hidden layers' activation"),
        OutputActivation.attribute, ClassLabel.attribute, InitialValues.attribute(default: nil),
    ]

    private let units, shape: [Int]
    private let count: Int
    private let activation: String
    private let output: OutputActivation
    private let label: ClassLabel
    private let initial: InitialValues

    init(_ attributes: Attributes) throws {
        units = attributes.integers("units")
        shape = attributes.integers("shape")
        var count = 1
        for size in shape {
            let (product, overflows) = count.multipliedReportingOverflow(by: size)
            guard !overflows, product <= 1_000_000_000 else {
                throw PluginError.attribute(
                    "shape \(shape) has more than 10^9 elements: a dense layer cannot make them")
            }
            count = product
        }
        self.count = count
        activation = attributes.string("activation")
        output = OutputActivation(attributes)
        label = ClassLabel(attributes)
        initial = InitialValues(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion, from: expansion.input())
        try label.concatenate(to: &chain)
        for (index, units) in units.enumerated() {
            try chain.add(
                "core.dense", "fc\(index + 1)", ["units": .integer(units)], initializers: initial.weights(bias: true))
            try chain.add(activation, "act\(index + 1)")
        }
        try chain.add("core.dense", "head", ["units": .integer(count)], initializers: initial.weights(bias: true))
        try output.add(to: &chain)
        if shape.count > 1 { try chain.add("core.reshape", "reshape", ["shape": .integers(shape)]) }
        try chain.finish()
    }
}
