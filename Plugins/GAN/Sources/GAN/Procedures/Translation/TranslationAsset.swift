import LaminaFormats

/// What an archive says of images that its generators make of others, as `assets/translation.json`.
struct TranslationAsset {
    static let name = "translation.json"

    /// Which values are black and white, of images and of what is made of them.
    var range: SampleGrid.Range

    var json: JSON { ["black": .number(range.low), "white": .number(range.high)] }
}
