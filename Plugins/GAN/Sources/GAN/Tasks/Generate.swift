import LaminaSDK

/// `lamina task MODEL generate samples.png`: samples of a generator.
struct Generate: ModelTask {
    static let name = "generate"
    static let documentation =
        "Makes samples of noise and writes them as a grid of images (.png) or as an array (.npy). Sample i depends on the seed "
        + "and i alone."
    static let attributes: [AttributeSchema] = [
        .integer("count", default: 64, 1...1e6, "how many samples"),
        .integer("seed", default: 0, "the noise follows from it"),
        .string("class", default: "", "name or number of the class to make; without it, of classes in turn"),
        .integer(
            "columns", default: 0, 0...1000, "images beside each other; 0: as many as make a square, or one per class"),
    ]
    static let usage = SampleFile.usage

    private let count, seed, columns: Int
    private let className: String

    init(_ attributes: Attributes, host: Host) {
        count = attributes.integer("count")
        seed = attributes.integer("seed")
        columns = attributes.integer("columns")
        className = attributes.string("class")
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        let path = try SampleFile.path(arguments, [".png", ".npy"])
        let generator = try TrainedGenerator(model)
        let chosen = className.isEmpty ? nil : try generator.number(of: className)
        guard chosen != nil || !generator.takesClass || generator.classCount != nil else {
            throw PluginError.attribute(
                "how many classes the generator knows is not known: name one with --class NUMBER")
        }
        let kinds = max(generator.classCount ?? 1, 1)
        let values = try generator.make(seed: seed, classes: (0..<count).map { chosen ?? $0 % kinds }, answer)
        let square = Int(Double(count).squareRoot().rounded(.up))
        let wide = columns > 0 ? columns : chosen == nil && kinds > 1 ? kinds : square
        try SampleFile.write(values, count: count, generator, columns: wide, to: path, answer)
    }
}
