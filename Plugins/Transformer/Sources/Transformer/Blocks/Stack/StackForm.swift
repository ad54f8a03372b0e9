import LaminaSDK

/// Layers of one form on top of each other, and the norm behind them.
struct StackForm {
    let layers: Int
    let hasFinalNorm: Bool
    let form: LayerForm

    static func attributes(layers: Int? = nil) -> [AttributeSchema] {
        [
            layers.map { .integer("layers", default: $0, 1...10000, "how many layers") }
                ?? .integer("layers", 1...10000, "how many layers"),
            .bool("final_norm", default: nil, "a norm behind the last layer; default: with norm: pre"),
        ]
    }

    init(_ attributes: Attributes, _ form: LayerForm) {
        layers = attributes.integer("layers")
        hasFinalNorm = attributes.optionalBool("final_norm") ?? (form.norm == .pre)
        self.form = form
    }

    /// For a nested block.
    var values: [(name: String, value: AttributeValue)] {
        [("layers", .integer(layers)), ("final_norm", .bool(hasFinalNorm))] + form.values
    }

    /// Nodes: layers.0, layers.1, …
    ///
    /// - Parameter others: what every layer takes beside the output of the one below.
    func layers(
        _ expansion: Expansion, _ component: String, _ input: String, _ others: [String] = [],
        _ more: [(name: String, value: AttributeValue)] = []
    ) throws -> String {
        var end = input
        for index in 0..<layers {
            end = try expansion.add(component, name: "layers.\(index)", inputs: [end] + others, form.values + more)
        }
        return end
    }

    /// Node: norm.
    func normalized(_ expansion: Expansion, _ input: String) throws -> String {
        hasFinalNorm ? try form.normalized(expansion, "norm", input) : input
    }
}
