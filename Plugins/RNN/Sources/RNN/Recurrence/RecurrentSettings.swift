import LaminaSDK

/// The attributes that all recurrent layers have.
struct RecurrentSettings {
    let units, layers, directions: Int
    let dropout: Double
    let hasBias, returnsAll, isOrthogonal: Bool

    static var attributes: [AttributeSchema] {
        [
            .integer("units", 1...1e6, "size of the state"),
            .integer("layers", default: 1, 1...1000, "layers on top of each other"),
            .bool("bidirectional", default: false, "adds layers that go from the end to the beginning"),
            .real("dropout", default: 0, 0...1, "probability of dropping an output between layers, in training"),
            .bool("bias", default: true, "adds trained biases"),
            .string(
                "returns", default: "all", choices: ["all", "last"],
                "output 0: the states of all steps [N, T, D·H], or the final ones [N, D·H]"),
            .string(
                "recurrent_initializer", default: "uniform", choices: ["uniform", "orthogonal"],
                "initial recurrent weights: uniform in ±1/√units, or an orthogonal matrix per gate"),
        ]
    }

    /// Throws when dropout would have no place to act in.
    init(_ attributes: Attributes) throws {
        units = attributes.integer("units")
        layers = attributes.integer("layers")
        directions = attributes.bool("bidirectional") ? 2 : 1
        dropout = attributes.real("dropout")
        hasBias = attributes.bool("bias")
        returnsAll = attributes.string("returns") == "all"
        isOrthogonal = attributes.string("recurrent_initializer") == "orthogonal"
        if dropout > 0, layers == 1 {
            throw PluginError.attribute(
                "dropout is \(dropout), but layers is 1, and dropout acts between layers: set layers, or leave dropout out "
                    + "and put core.dropout behind this layer")
        }
    }

    /// Parameters begin uniform within ±1/√units, as in PyTorch.
    var bound: Double { 1 / Double(units).squareRoot() }
}
