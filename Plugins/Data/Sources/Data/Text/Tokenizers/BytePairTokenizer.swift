import LaminaSDK

/// Byte-level byte-pair encoding: every byte string has ids, and is given back exactly.
///
/// Texts fall into GPT-2's pieces; a piece begins as its bytes, of which merges make tokens. Pairs are merged until the
/// vocabulary is full or none occurs `minimum_count` times. Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words
/// with Subword Units, ACL 2016; Radford et al.: Language Models are Unsupervised Multitask Learners, 2019.
final class BytePairTokenizer: VocabularyTokenizer {
    static let name = "bpe"
    static let documentation = "Byte-level byte-pair encoding, as in GPT-2: any text, exactly, in few tokens."
    static let attributes: [AttributeSchema] = [
        .integer(
            "vocabulary", default: 8000, 261...TokenizerFile.mostTokens,
            "ids at most, with <pad>, <unk>, <bos>, <eos> and the 256 bytes"),
        .integer("minimum_count", default: 2, 1...1e9, "pairs that occur less often are not merged"),
    ]

    let vocabulary: Vocabulary

    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) throws {
        vocabulary = try Vocabulary(TokenizerFile(json))
    }

    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8] {
        var pieces = PieceCounts(.byteLevel)
        try pieces.count(texts, host: host)
        guard !pieces.isEmpty else { throw PluginError.data("the texts hold nothing to learn") }
        // As in the Hugging Face library, bytes stand in the order of the characters that stand for them.
        let alphabet = ByteAlphabet.scalars.enumerated().sorted { $0.element < $1.element }
        let first = TokenizerFile.specialNames.count
        var symbol = [Int32](repeating: 0, count: 256)
        for (index, entry) in alphabet.enumerated() { symbol[entry.offset] = Int32(first + index) }

        var file = TokenizerFile(words: alphabet.map { String($0.element) })
        var table = ByteTable(minimumCapacity: attributes.integer("vocabulary"))
        for token in file.tokens { _ = table.add(token) }
        var trainer = BytePairTrainer(pieces, symbol: symbol)
        var merges: [TokenizerFile.Merge] = []
        while file.tokens.count < attributes.integer("vocabulary"),
            let pair = trainer.next(least: attributes.integer("minimum_count"))
        {
            if host.isCancelled { throw PluginError.cancelled() }
            // Two merges may give the same text: then they give the same token.
            let text = file.tokens[Int(pair.left)] + file.tokens[Int(pair.right)]
            let (id, isNew) = table.add(text)
            if isNew { file.tokens.append(text) }
            trainer.merge(pair.left, pair.right, into: Int32(id))
            merges.append(.init(left: pair.left, right: pair.right, result: Int32(id)))
        }
        file.splitting = .byteLevel
        file.joining = .bytes
        file.model = .pairs(merges: merges)
        return file.json.bytes(.compact)
    }
}
