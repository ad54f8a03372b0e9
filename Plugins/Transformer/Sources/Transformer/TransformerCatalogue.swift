import LaminaSDK

/// What the Transformer plugin offers. Each folder lists its own components.
public enum TransformerCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "transformer", name: "Transformer", version: "1.0.0", license: "Apache-2.0",
            documentation: "Attention and what is built of it: encoders, decoders, vision transformers.",
            components: layers + adaptation + blocks + batchTransforms + tasks)
    }
}
