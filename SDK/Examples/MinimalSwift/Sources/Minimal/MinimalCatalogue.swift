import LaminaSDK

/// What the plugin offers.
public enum MinimalCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "minimal_swift", name: "Minimal Swift", version: "1.0.0", license: "Apache-2.0",
            documentation: "One layer in Swift, as an example.", components: [.layer(LayerScale.self)])
    }
}
