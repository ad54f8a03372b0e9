import LaminaSDK

/// The second input of conditional networks: the number of a class, as an embedding.
///
/// Source: Mirza, Osindero, Conditional generative adversarial nets (2014).
struct ClassLabel {
    /// 0: the network is unconditional and has no such input.
    let classes: Int

    static let port = Port("label", .optional, "with classes: the number of the class [N], int64")
    static let attribute = AttributeSchema.integer(
        "classes", default: 0, 0...1e9, "with as many classes the network is conditional; 0: unconditional")

    init(_ attributes: Attributes) { classes = attributes.integer("classes") }

    /// The reference to the label; nil: the network is unconditional.
    func input(_ expansion: Expansion) throws -> String? {
        let isConnected = expansion.inputCount > 1
        guard classes > 0 || !isConnected else {
            throw PluginError.shape("a label is connected, but classes is 0: set classes, or leave the label out")
        }
        guard classes == 0 || isConnected else {
            throw PluginError.shape(
                "classes is \(classes), but no label is connected: name one with `from: [input, label]`, or leave out "
                    + "classes")
        }
        return classes > 0 ? expansion.input(1) : nil
    }

    /// Adds the node `label_embedding`, whose output is [N, dimension].
    func embedding(
        _ expansion: Expansion, _ label: String, dimension: Int, initializers: NodeInitializers = [:]
    ) throws -> String {
        try expansion.add(
            "core.embedding", name: "label_embedding", inputs: [label],
            ["count": .integer(classes), "dimension": .integer(dimension)], initializers: initializers)
    }

    /// Joins the embedding, as long as there are classes, to the vectors [N, F] at the chain's end.
    func concatenate(to chain: inout Chain) throws {
        guard let label = try input(chain.expansion) else { return }
        try chain.join(
            "core.concat", "concat", with: embedding(chain.expansion, label, dimension: classes))
    }
}
