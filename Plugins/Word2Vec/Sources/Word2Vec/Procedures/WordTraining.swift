import LaminaFormats
import LaminaSDK

/// Trains word vectors on a corpus: what skip-gram and CBOW share.
///
/// The model is a table of vectors, `vectors.weight` [words, dimensions], with `vocab.txt` in the archive. With subwords
/// it is composed of the trained rows before every save, and a second table, `ngrams.weight`, serves unknown words.
class WordTraining: Procedure {
    class var name: String { fatalError("abstract") }
    class var documentation: String { fatalError("abstract") }
    class var attributes: [AttributeSchema] { fatalError("abstract") }
    class var architecture: Settings.Architecture { fatalError("abstract") }
    static var itemName: String { "words" }

    private let settings: Settings
    private let path: String
    private let minimumCount: Int
    private let limit: Int?
    private let phrases: Phrases.Rule?
    private let host: Host
    private var trainer: Trainer?

    required init(_ attributes: Attributes, host: Host) throws {
        settings = try TrainingAttributes.settings(attributes, Self.architecture)
        path = attributes.string("corpus")
        minimumCount = attributes.integer("min_count")
        limit = attributes.optionalInteger("max_words")
        phrases =
            attributes.bool("phrases")
            ? Phrases.Rule(threshold: attributes.real("phrase_threshold"), delta: minimumCount) : nil
        self.host = host
    }

    /// More words would need too much memory per thread and too much time.
    private static let mostWordsOfFullSoftmax = 1 << 16

    func define(_ model: ProcedureModel) throws {
        let corpus = try Corpus(path: path, chunkBytes: settings.chunkBytes)
        let vocabulary = try Vocabulary.count(
            corpus, minimumCount: minimumCount, limit: limit, phrases: phrases, host: host
        ) {
            model.progress($0, "counting words")
        }
        guard settings.objective != .fullSoftmax || vocabulary.count <= Self.mostWordsOfFullSoftmax else {
            throw PluginError.attribute(
                "full_softmax is for up to \(Self.mostWordsOfFullSoftmax) words, the corpus has \(vocabulary.count): "
                    + "set max_words, raise min_count or take loss: negative_sampling")
        }
        try WordModel.define(model, vocabulary, dimension: settings.dimension, subwords: settings.subwords)
        let words = vocabulary.count
        try model.addState("output", .float32, [settings.outputRows(words: words), settings.dimension])
        if settings.subwords != nil {
            try model.addState("input", .float32, [settings.inputRows(words: words), settings.dimension])
        }
        trainer = Trainer(corpus, vocabulary, settings, host: host)
    }

    private func matrices(_ run: ProcedureRun) -> Trainer.Matrices {
        Trainer.Matrices(
            input: settings.subwords == nil ? run.parameter(0).floats : run.state(1).floats, output: run.state(0).floats
        )
    }

    private func attached(_ run: ProcedureRun) -> Trainer {
        let trainer = trainer!
        trainer.settings.seed = run.seed
        trainer.settings.epochs = run.epochs
        return trainer
    }

    func start(_ run: ProcedureRun) throws {
        attached(run).initialize(matrices(run))
        try publish(run)
    }

    func step(_ run: ProcedureRun) throws -> ProcedureProgress {
        let trainer = attached(run)
        let report = try trainer.step(matrices(run))
        var progress = ProcedureProgress()
        progress.isFinished = trainer.isFinished
        progress.epochs = trainer.progress.epoch
        progress.fraction = trainer.fraction
        progress.items = Double(report.words)
        progress.lossSum = report.loss
        progress.lossCount = Double(report.losses)
        progress.learningRateFactor = settings.rate > 0 ? report.rate / settings.rate : 0
        return progress
    }

    func publish(_ run: ProcedureRun) throws {
        guard let table = trainer!.subwords, let subwords = settings.subwords else { return }
        let (rows, dimension) = (run.state(1).floats, settings.dimension)
        table.compose(rows, run.parameter(0).floats, dimension: dimension)
        let words = trainer!.vocabulary.count
        run.parameter(1).floats.update(from: rows + words * dimension, count: subwords.buckets * dimension)
    }

    func save() throws -> String {
        let trainer = trainer!
        let (progress, corpus) = (trainer.progress, trainer.corpus)
        return "{\"epoch\": \(progress.epoch), \"chunk\": \(progress.chunk), \"words\": \(progress.words), "
            + "\"chunk_bytes\": \(corpus.chunkBytes), \"corpus_bytes\": \(corpus.bytes.count), "
            + "\"vocabulary\": \"\(String(trainer.vocabulary.fingerprint, radix: 16))\"}"
    }

    func restore(_ json: String, _ run: ProcedureRun) throws {
        let trainer = attached(run)
        var progress = Trainer.Progress()
        do {
            var fields = try JSONFields(JSON.parse(json), at: "")
            progress.epoch = try fields.read("epoch")
            progress.chunk = try fields.read("chunk")
            progress.words = try fields.read("words")
            let bytes: Int = try fields.read("corpus_bytes")
            guard bytes == trainer.corpus.bytes.count else {
                throw PluginError.data(
                    "the corpus '\(path)' has \(trainer.corpus.bytes.count) bytes, but had \(bytes) when the training "
                        + "stopped: resume with the same file, or train without --resume")
            }
            let vocabulary: String = try fields.read("vocabulary")
            guard vocabulary == String(trainer.vocabulary.fingerprint, radix: 16) else {
                throw PluginError.data(
                    "the words of the corpus '\(path)' or their counts are others than when the training stopped: "
                        + "resume with the same file and settings, or train without --resume")
            }
            let chunkBytes: Int = try fields.read("chunk_bytes")
            guard chunkBytes == trainer.corpus.chunkBytes else {
                throw PluginError.data(
                    "the training stopped with another loss, which reads the corpus in other pieces: resume with that "
                        + "one, or train without --resume")
            }
            try fields.finish()
        } catch let error as JSONError {
            throw PluginError.data("the saved state of the training is damaged: \(error)")
        }
        try trainer.resume(progress)
    }
}

/// Every word of a window predicts the word in its middle.
///
/// T. Mikolov, K. Chen, G. Corrado, J. Dean: Efficient Estimation of Word Representations in Vector Space, 2013. (There
/// the middle predicts the others, which are the same pairs; word2vec.c and gensim also do it this way. With subwords it
/// is the middle that predicts, as in fastText.)
final class SkipGram: WordTraining {
    override class var name: String { "skip_gram" }
    override class var documentation: String { "Word vectors: each word of a window predicts the one in its middle." }
    override class var attributes: [AttributeSchema] { TrainingAttributes.schemas(learningRate: 0.025) }
    override class var architecture: Settings.Architecture { .skipGram }
}

/// The mean of a window's words predicts the word in its middle: a continuous bag of words.
///
/// Same source. Faster than skip-gram, and a little worse for rare words.
final class BagOfWords: WordTraining {
    override class var name: String { "cbow" }
    override class var documentation: String { "Word vectors: the mean of a window predicts the word in its middle." }
    override class var attributes: [AttributeSchema] { TrainingAttributes.schemas(learningRate: 0.05) }
    override class var architecture: Settings.Architecture { .bagOfWords }
}
