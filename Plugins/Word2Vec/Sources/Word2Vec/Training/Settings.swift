import LaminaSDK

/// What is trained and how. Defaults are those of word2vec.c and gensim.
struct Settings: Equatable, Sendable {
    /// What predicts what.
    enum Architecture: Sendable { case skipGram, bagOfWords }
    /// How likely the predicted word is told.
    enum Objective: Sendable { case negativeSampling, hierarchicalSoftmax, fullSoftmax }

    var architecture = Architecture.skipGram
    var objective = Objective.negativeSampling
    /// The length of the vectors.
    var dimension = 100
    /// Words on either side, at most.
    var window = 5
    /// Noise words per window, for negative sampling.
    var negatives = 5
    /// Noise words are drawn in proportion to their counts to this power.
    var exponent = 0.75
    /// The gradient of noise words is multiplied by it.
    var negativeWeight = 1.0
    /// Words that are more frequent than this share are passed over at random; 0: none.
    var sample = 1e-3
    var epochs = 5
    /// The learning rate falls from the first to the second, linearly over all words of all epochs.
    var rate = 0.025
    var lastRate = 1e-4
    var seed: UInt64 = 1
    /// One thread, and the same bits each time.
    var isDeterministic = false
    /// Vectors of words are made of those of their parts.
    var subwords: Subwords?

    /// How much text is worked on at a time. A word costs hundreds of times more with the full softmax: small chunks
    /// keep steps short.
    var chunkBytes: Int { objective == .fullSoftmax ? 1 << 12 : 1 << 16 }

    /// Rows of the trained input vectors: words, then n-grams.
    func inputRows(words: Int) -> Int { words + (subwords?.buckets ?? 0) }
    /// Rows of the output vectors: one per word, or per inner node of the tree.
    func outputRows(words: Int) -> Int { objective == .hierarchicalSoftmax ? words - 1 : words }
}
