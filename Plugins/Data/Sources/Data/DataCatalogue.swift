import LaminaSDK

/// What the Data plugin offers: readers of datasets, and transforms of what they read.
public enum DataCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "data", name: "Data", version: "1.0.0", license: "Apache-2.0",
            documentation: "Readers of IDX, CSV, NPY, safetensors, images and texts; transforms of images; tokenizers.",
            components: sources + transforms + tokenizers)
    }

    public static var sources: [Component] {
        [
            .source(CSVSource.self),
            .source(IDXSource.self),
            .source(ImageSource.self),
            .source(ImageFolderSource.self),
            .source(NPYSource.self),
            .source(RandomSource.self),
            .source(SafetensorsSource.self),
            .source(TableSource.self),
            .source(TextFileSource.self),
            .source(TextFolderSource.self),
        ]
    }

    public static var tokenizers: [Component] {
        [
            .tokenizer(BytePairTokenizer.self),
            .tokenizer(CharacterTokenizer.self),
            .tokenizer(StoredTokenizer.self),
            .tokenizer(WordTokenizer.self),
        ]
    }

    public static var transforms: [Component] {
        [
            .transform(CenterCrop.self),
            .transform(Edges.self),
            .transform(Invert.self),
            .transform(Normalize.self),
            .transform(Pad.self),
            .transform(RandomCrop.self),
            .transform(RandomFlip.self),
            .transform(Resize.self),
            .transform(Rotate.self),
            .transform(ToChannelsFirst.self),
            .transform(ToChannelsLast.self),
            .transform(ToFloat.self),
        ]
    }
}
