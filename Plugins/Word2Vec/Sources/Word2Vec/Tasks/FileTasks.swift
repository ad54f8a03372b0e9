import LaminaFormats
import LaminaSDK

/// `lamina task MODEL export vectors.bin`: the vectors as a file that word2vec, gensim or GloVe's tools read.
struct Export: ModelTask {
    static let name = "export"
    static let documentation = "Writes the vectors to a file of word2vec's binary or text form, or GloVe's."
    static let attributes: [AttributeSchema] = [
        .string("form", default: "binary", choices: VectorFormat.allCases.map(\.rawValue), "how it is written")
    ]
    static let usage = "FILE"

    private let format: VectorFormat
    init(_ attributes: Attributes, host: Host) { format = VectorFormat(rawValue: attributes.string("form"))! }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard arguments.count == 1 else { throw PluginError.attribute("got \(arguments.count) files, wanted one") }
        try VectorFile.write(TrainedWords(model).vectors, to: arguments[0], format)
        answer.wrote(file: arguments[0])
    }
}

/// `lamina task MODEL map words.svg`: a picture of words in two dimensions.
struct Map: ModelTask {
    static let name = "map"
    static let documentation = "Draws words in a plane, by the first two principal components of their vectors, as SVG."
    static let attributes: [AttributeSchema] = [
        .integer("top", default: 100, 2...2000, "without words: as many of the most frequent ones"),
        .integer("skip", default: 0, 0...1e9, "without words: behind as many that are more frequent"),
    ]
    static let usage = "FILE [WORD…]"

    private let top: Int
    private let skip: Int
    init(_ attributes: Attributes, host: Host) {
        top = attributes.integer("top")
        skip = attributes.integer("skip")
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard let path = arguments.first, path.lowercased().hasSuffix(".svg") else {
            throw PluginError.attribute("the first argument is the file to write, as in words.svg; words may follow")
        }
        let words = try TrainedWords(model)
        var names = Array(arguments.dropFirst())
        if names.isEmpty {
            let indices = (skip..<skip + top).clamped(to: 0..<words.vectors.count)
            guard indices.count >= 2 else {
                throw PluginError.data(
                    "behind \(skip) words there are not two left of \(words.vectors.count); lower --skip")
            }
            names = indices.map { words.vectors.words[$0] }
        }
        guard names.count <= 2000 else { throw PluginError.attribute("got \(names.count) words, wanted at most 2000") }
        // By direction, as the other tasks compare them.
        let units = try names.map { name in
            let vector = try words.vector(name).vector
            let norm = max(vector.reduce(0) { $0 + $1 * $1 }.squareRoot(), .leastNormalMagnitude)
            return vector.map { $0 / norm }
        }
        try VectorFile.write(Array(WordMap(units, words: names).svg.utf8), to: path)
        answer.wrote(file: path)
    }
}
