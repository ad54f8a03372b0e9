import CLamina
import LaminaFormats
import LaminaGraph
import LaminaRecipe
import LaminaSDK

// A recipe in Swift code, in as few words as in YAML; the README has an example.

extension Recipe.Component {
    /// A reader of datasets. Relative paths are relative to the working directory.
    public static func source(_ id: String, _ attributes: JSONObject = [:]) -> Self {
        .init(kind: LAMINA_KIND_SOURCE, id, attributes)
    }
    public static func transform(_ id: String, _ attributes: JSONObject = [:]) -> Self {
        .init(kind: LAMINA_KIND_TRANSFORM, id, attributes)
    }
    public static func loss(_ id: String, _ attributes: JSONObject = [:]) -> Self {
        .init(kind: LAMINA_KIND_LOSS, id, attributes)
    }
    public static func optimizer(_ id: String, _ attributes: JSONObject = [:]) -> Self {
        .init(kind: LAMINA_KIND_OPTIMIZER, id, attributes)
    }
    public static func schedule(_ id: String, _ attributes: JSONObject = [:]) -> Self {
        .init(kind: LAMINA_KIND_SCHEDULE, id, attributes)
    }
    public static func procedure(_ id: String, _ attributes: JSONObject = [:]) -> Self {
        .init(kind: LAMINA_KIND_PROCEDURE, id, attributes)
    }
    public static func metric(_ id: String, _ attributes: JSONObject = [:]) -> Self {
        .init(kind: LAMINA_KIND_METRIC, id, attributes)
    }
}

extension Recipe.Layer {
    /// A layer; its input is the one before unless `from` names others.
    public static func layer(
        _ id: String, _ attributes: JSONObject = [:], name: String? = nil, from inputs: [String]? = nil
    ) -> Self {
        .init(
            .init(kind: LAMINA_KIND_LAYER, id, attributes), name: name,
            inputs: inputs?.map { .init(GraphDefinition.Reference($0) ?? .init($0)) })
    }

    /// A block, which expands to layers; with an empty name they get no prefix.
    public static func block(
        _ id: String, _ attributes: JSONObject = [:], name: String? = nil, from inputs: [String]? = nil
    ) -> Self {
        .init(
            .init(kind: LAMINA_KIND_BLOCK, id, attributes), name: name,
            inputs: inputs?.map { .init(GraphDefinition.Reference($0) ?? .init($0)) })
    }
}

extension Recipe.Model {
    /// A model with one input of this shape, without the batch dimension.
    public init(input shape: [Int], _ dtype: DataType = .float32, layers: [Recipe.Layer]) {
        let sizes = [GraphDefinition.Size.symbol(Recipe.batchDimension)] + shape.map { .fixed($0) }
        self.init(inputs: [.init(Recipe.inputName, dtype, sizes)], layers: layers)
    }
}

extension Recipe.Training {
    public init(epochs: Int, batch: Int = 32, seed: UInt64 = 0) {
        self.init()
        self.epochs = epochs
        self.batch = batch
        self.seed = seed
    }
}
