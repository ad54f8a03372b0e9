import LaminaSDK

/// What the GAN plugin offers. Each folder lists its own components.
public enum GANCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "gan", name: "GAN", version: "1.0.0", license: "Apache-2.0",
            documentation: "Generative adversarial networks: generators, discriminators and what trains them.",
            components: sources + layers + blocks + procedures + tasks)
    }
}
