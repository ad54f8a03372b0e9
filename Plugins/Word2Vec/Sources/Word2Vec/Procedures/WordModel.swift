import LaminaFormats
import LaminaSDK

/// The form of our models, as procedures define and tasks read them.
enum WordModel {
    static let vectors = "vectors.weight"
    static let ngrams = "ngrams.weight"
    static let vocabularyFile = "vocab.txt"
    static let subwordsFile = "subwords.json"

    /// A table of vectors, its words, and with subwords the table of n-grams.
    static func define(
        _ model: ProcedureModel, _ vocabulary: Vocabulary, dimension: Int, subwords: Subwords? = nil
    ) throws {
        try model.addInput("words", .int64)
        try model.add(
            "core.embedding", name: "vectors", inputs: ["words"],
            ["count": .integer(vocabulary.count), "dimension": .integer(dimension)])
        try model.addOutput("vectors", "vectors")
        try model.addAsset(vocabularyFile, vocabulary.file)
        guard let subwords else { return }
        try model.addInput("buckets", .int64)
        try model.add(
            "core.embedding", name: "ngrams", inputs: ["buckets"],
            ["count": .integer(subwords.buckets), "dimension": .integer(dimension)])
        try model.addOutput("ngrams", "ngrams")
        let json =
            "{\"shortest\": \(subwords.lengths.lowerBound), \"longest\": \(subwords.lengths.upperBound), "
            + "\"buckets\": \(subwords.buckets)}\n"
        try model.addAsset(subwordsFile, Array(json.utf8))
    }
}

/// The word vectors of a trained model.
struct TrainedWords {
    let vectors: WordVectors
    private let subwords: Subwords?
    private let ngrams: UnsafePointer<Float>?

    /// Throws `.data` when the model holds none.
    init(_ model: TaskModel) throws {
        guard let weight = model.parameter(WordModel.vectors), weight.rank == 2, weight.dtype == .float32,
            let file = model.asset(WordModel.vocabularyFile)
        else {
            throw PluginError.data(
                "the model holds no word vectors: wanted the parameter '\(WordModel.vectors)' and the file "
                    + "'\(WordModel.vocabularyFile)', as word2vec.skip_gram, cbow and import make them")
        }
        let words = try Vocabulary.words(inFile: file)
        guard words.count == weight.size(0) else {
            throw PluginError.data(
                "the model has \(weight.size(0)) word vectors, but its vocabulary has \(words.count) words")
        }
        let dimension = weight.size(1)
        vectors = WordVectors(words, dimension: dimension, values: UnsafePointer(weight.floats))
        guard let file = model.asset(WordModel.subwordsFile), let ngrams = model.parameter(WordModel.ngrams) else {
            subwords = nil
            self.ngrams = nil
            return
        }
        let subwords = try Self.subwords(file)
        guard ngrams.rank == 2, ngrams.dtype == .float32, ngrams.shape == [subwords.buckets, dimension] else {
            throw PluginError.data(
                "the model's n-grams are \(ngrams.shape), wanted \([subwords.buckets, dimension])")
        }
        self.subwords = subwords
        self.ngrams = UnsafePointer(ngrams.floats)
    }

    private static func subwords(_ file: UnsafeRawBufferPointer) throws -> Subwords {
        do {
            var fields = try JSONFields(JSON.parse(Array(file)), at: WordModel.subwordsFile)
            let (shortest, longest): (Int, Int) = (try fields.read("shortest"), try fields.read("longest"))
            let buckets: Int = try fields.read("buckets")
            try fields.finish()
            guard shortest >= 1, longest >= shortest, longest <= Subwords.longestGram, buckets >= 1 else {
                throw PluginError.data(
                    "the model's \(WordModel.subwordsFile) tells of n-grams of \(shortest) to \(longest) letters in "
                        + "\(buckets) buckets: wanted 1 to \(Subwords.longestGram) letters in one bucket or more")
            }
            return Subwords(lengths: shortest...longest, buckets: buckets)
        } catch let error as JSONError {
            throw PluginError.data("\(error)")
        }
    }

    /// A word's number, if it has one, and its vector: an unknown word's is made of its n-grams where the model has
    /// them, and is an error where it has none. So is a vector with numbers that are not finite.
    func vector(_ word: String) throws -> (index: Int?, vector: [Float]) {
        let (index, vector) = try composed(word)
        guard vector.allSatisfy(\.isFinite) else {
            throw PluginError.data("the vector of '\(word)' has numbers that are not finite: the model is damaged")
        }
        return (index, vector)
    }

    private func composed(_ word: String) throws -> (index: Int?, vector: [Float]) {
        if let index = vectors.words.index(of: word) { return (index, Array(vectors.vector(index))) }
        guard let subwords, let ngrams else { return (nil, Array(vectors.vector(try vectors.index(word)))) }
        let buckets = Array(word.utf8).withUnsafeBufferPointer { subwords.buckets(of: $0) }
        guard !buckets.isEmpty else {
            throw PluginError.data(
                "'\(word)' is not in the vocabulary, and too short for n-grams of \(subwords.lengths.lowerBound) letters"
            )
        }
        var vector = [Float](repeating: 0, count: vectors.dimension)
        for bucket in buckets {
            for j in vector.indices { vector[j] += ngrams[bucket * vectors.dimension + j] / Float(buckets.count) }
        }
        return (nil, vector)
    }
}
