import LaminaSDK

/// Words as tokens: what stands between white space, and, if wanted, each punctuation mark.
///
/// Words that are frequent enough get ids, the most frequent first, equally frequent ones in the order of their bytes. Other words are
/// `<unk>`, or one of `buckets` by hash (FNV-1a, 64 bits, modulo their number). Decoding puts one space between words.
final class WordTokenizer: VocabularyTokenizer {
    static let name = "words"
    static let documentation = "Words between white space, the most frequent ones; others are <unk> or share buckets."
    static let attributes: [AttributeSchema] = [
        .integer(
            "vocabulary", default: 30000, 5...TokenizerFile.mostTokens,
            "ids at most, with <pad>, <unk>, <bos>, <eos> and buckets"),
        .integer("minimum_count", default: 1, 1...1e9, "words that occur less often get no id"),
        .bool("lowercase", default: false, "whether texts are changed to lower case"),
        .bool("punctuation", default: false, "whether each punctuation mark is a word of its own"),
        .integer("buckets", default: 0, 0...1e6, "ids that words without one share, by their hash, instead of <unk>"),
    ]

    let vocabulary: Vocabulary

    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) throws {
        vocabulary = try Vocabulary(TokenizerFile(json))
    }

    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8] {
        let (size, buckets) = (attributes.integer("vocabulary"), attributes.integer("buckets"))
        let room = size - TokenizerFile.specialNames.count - buckets
        guard room > 0 else {
            throw PluginError.attribute(
                "vocabulary is \(size), which \(TokenizerFile.specialNames.count) special tokens and \(buckets) buckets "
                    + "fill: raise it or lower buckets")
        }
        let splitting = attributes.bool("punctuation") ? Splitting.punctuation : .whitespace
        var pieces = PieceCounts(splitting, lowercases: attributes.bool("lowercase"))
        try pieces.count(texts, host: host)
        let least = attributes.integer("minimum_count")
        let words = pieces.frequent(least: least).filter { !isReserved($0, buckets) }.prefix(room)
        guard !words.isEmpty else {
            throw PluginError.data(
                pieces.isEmpty
                    ? "the texts hold no word to learn"
                    : "no word occurs \(least) times or more; lower minimum_count")
        }
        var file = TokenizerFile(words: Array(words), buckets: buckets)
        file.lowercases = attributes.bool("lowercase")
        file.splitting = splitting
        return file.json.bytes(.compact)
    }

    private static func isReserved(_ word: String, _ buckets: Int) -> Bool {
        guard word.utf8.first == UInt8(ascii: "<") else { return false }
        if TokenizerFile.specialNames.contains(word) { return true }
        return Int(word.dropFirst(5).dropLast()).map { $0 < buckets && word == TokenizerFile.bucketName($0) } ?? false
    }
}
