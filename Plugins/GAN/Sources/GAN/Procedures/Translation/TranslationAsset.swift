import LaminaFormats
import LaminaSDK

/// What an archive says of images that its generators make of others, as `assets/translation.json`.
struct TranslationAsset {
    static let name = "translation.json"

    /// Which values are black and white, of images and of what is made of them.
    var range: SampleGrid.Range

    init(range: SampleGrid.Range) { self.range = range }

    var json: JSON { ["black": .number(range.low), "white": .number(range.high)] }

    /// That of a model; nil: it makes no images of images.
    init?(from model: TaskModel) throws {
        guard let bytes = model.asset(Self.name) else { return nil }
        do {
            var fields = try JSONFields(JSON.parse(Array(bytes)), at: Self.name)
            range = try .init(&fields)
            try fields.finish()
        } catch {
            throw PluginError.data("\(error)")
        }
    }
}
