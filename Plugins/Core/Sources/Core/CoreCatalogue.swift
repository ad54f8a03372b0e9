import LaminaSDK

/// What the Core plugin offers. Each folder lists its own components.
public enum CoreCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "core", name: "Core", version: "1.0.0", license: "Apache-2.0",
            documentation: "Dense, activations, normalisation, shapes, losses, optimizers, initializers and metrics.",
            components: layers + losses + optimizers + initializers + metrics + schedules)
    }
}
