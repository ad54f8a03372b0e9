import LaminaSDK

/// A discriminator of dense layers: samples [N, …] to logits [N, 1].
///
/// The sample is flattened; dense, leaky relu and dropout for each number in `units`, then a dense layer with one output.
/// With `classes` an embedding of the label, as long as there are classes, joins the flattened sample. `norm: spectral`
/// makes every dense layer a `gan.spectral_dense`. Nodes: flatten, fc1, act1, drop1, …, head; label_embedding and concat
/// before fc1. Source: Goodfellow et al., Generative adversarial nets (2014).
struct MLPDiscriminator: Block {
    static let name = "mlp_discriminator"
    static let documentation = "Discriminator of dense layers: samples to logits [N, 1]."
    static let inputs: [Port] = [Port("input", .required, "samples [N, …]"), ClassLabel.port]
    static let attributes: [AttributeSchema] = [
        .integers("units", default: [512, 256], 1...1e9, count: 0...64, "sizes of the hidden layers"),
        .real("slope", default: 0.2, 0...1, "of the leaky relus, for negative values"),
        .real("dropout", default: 0, 0...1, "the probability with which a hidden value becomes 0 in training"),
        Normalization.attribute(default: .none, [.none, .spectral]),
        ClassLabel.attribute, InitialValues.attribute(default: nil),
    ]

    private let units: [Int]
    private let slope, dropout: Double
    private let norm: Normalization
    private let label: ClassLabel
    private let initial: InitialValues

    init(_ attributes: Attributes) {
        units = attributes.integers("units")
        (slope, dropout) = (attributes.real("slope"), attributes.real("dropout"))
        norm = Normalization(attributes)
        label = ClassLabel(attributes)
        initial = InitialValues(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion, from: expansion.input())
        try chain.add("core.flatten", "flatten")
        try label.concatenate(to: &chain)
        for (index, units) in units.enumerated() {
            try chain.dense("fc\(index + 1)", units: units, norm, initial)
            try chain.leaky("act\(index + 1)", slope: slope)
            try chain.dropout("drop\(index + 1)", rate: dropout)
        }
        try chain.dense("head", units: 1, norm, initial)
        try chain.finish()
    }
}
