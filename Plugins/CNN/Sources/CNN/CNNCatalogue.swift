import LaminaSDK

/// What the CNN plugin offers. Each folder lists its own components.
public enum CNNCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "cnn", name: "CNN", version: "1.0.0", license: "Apache-2.0",
            documentation:
                "Convolution, transposed convolution and pooling in one to three dimensions; LeNet, VGG, ResNet.",
            components: layers + blocks)
    }
}
