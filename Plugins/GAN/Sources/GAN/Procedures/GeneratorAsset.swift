import LaminaFormats
import LaminaSDK

/// What an archive says of its generator, as `assets/generator.json`: what noise it wants, which values are black and white.
struct GeneratorAsset {
    static let name = "generator.json"

    var noise: Noise.Distribution
    var range: SampleGrid.Range

    init(noise: Noise.Distribution, range: SampleGrid.Range) { (self.noise, self.range) = (noise, range) }

    var json: JSON {
        [
            "noise": .string(noise.rawValue), "black": .number(range.low), "white": .number(range.high),
        ]
    }

    /// That of a model; models without one get standard normal noise, and images from -1 to 1.
    init(from model: TaskModel) throws {
        self.init(noise: .normal, range: .init(low: -1, high: 1))
        guard let bytes = model.asset(Self.name) else { return }
        do {
            var fields = try JSONFields(JSON.parse(Array(bytes)), at: Self.name)
            let name: String = try fields.read("noise")
            guard let noise = Noise.Distribution(rawValue: name) else {
                throw PluginError.data("\(Self.name): no noise '\(name)' is known")
            }
            self.noise = noise
            range = try .init(&fields)
            try fields.finish()
        } catch let error as JSONError {
            throw PluginError.data("\(error)")
        }
    }
}
