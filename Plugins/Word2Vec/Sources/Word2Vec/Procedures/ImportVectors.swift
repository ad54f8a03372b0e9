import LaminaSDK

/// Makes a model of word vectors that others have trained: files of word2vec and GloVe.
final class ImportVectors: Procedure {
    static let name = "import"
    static let documentation = "A model from a file of word vectors, of word2vec (binary or text) or GloVe."
    static let attributes: [AttributeSchema] = [
        .path("path", "the file"),
        .string("form", default: "binary", choices: VectorFormat.allCases.map(\.rawValue), "how it is written"),
    ]
    static let itemName = "words"

    private let path: String
    private let format: VectorFormat
    /// What was read, until the model has it.
    private var vectors: WordVectors?
    private var wordCount = 0

    init(_ attributes: Attributes, host: Host) throws {
        path = attributes.string("path")
        format = VectorFormat(rawValue: attributes.string("form"))!
    }

    func define(_ model: ProcedureModel) throws {
        model.progress(0, "reading vectors")
        let vectors = try VectorFile.read(path, format)
        (self.vectors, wordCount) = (vectors, vectors.count)
        // Files tell no counts, but go from frequent to rare words.
        let vocabulary = Vocabulary(
            words: vectors.words, counts: Array(repeating: 0, count: vectors.count), corpusWords: 0)
        try WordModel.define(model, vocabulary, dimension: vectors.dimension)
    }

    func start(_ run: ProcedureRun) {
        let vectors = vectors!
        run.parameter(0).floats.update(from: vectors.values, count: vectors.count * vectors.dimension)
        self.vectors = nil
    }

    func step(_ run: ProcedureRun) -> ProcedureProgress {
        var progress = ProcedureProgress()
        progress.isFinished = true
        progress.epochs = run.epochs
        progress.fraction = 1
        progress.items = Double(wordCount)
        return progress
    }

    func save() -> String { "{}" }

    func restore(_ json: String, _ run: ProcedureRun) {}
}
