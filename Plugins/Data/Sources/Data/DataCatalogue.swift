import LaminaSDK

/// What the Data plugin offers: readers of datasets, and transforms of what they read.
public enum DataCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "data", name: "Data", version: "1.0.0", license: "Apache-2.0",
            documentation: "Readers of IDX, CSV, NPY, safetensors and images; normalising, resizing, augmenting.",
            components: sources + transforms)
    }

    public static var sources: [Component] {
        [
            .source(IDXSource.self),
            .source(ImageSource.self),
        ]
    }

    public static var transforms: [Component] {
        [
            .transform(Normalize.self),
            .transform(ToFloat.self),
        ]
    }
}
