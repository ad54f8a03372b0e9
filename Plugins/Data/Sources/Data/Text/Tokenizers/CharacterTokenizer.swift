import LaminaSDK

/// Characters as tokens: Unicode scalars, the most frequent ones.
///
/// Scalars rather than what people see as one character, because these have no finite alphabet ("é" may be two, a family
/// emoji seven). Characters outside of the vocabulary, and bytes that are no UTF-8, are `<unk>`.
final class CharacterTokenizer: VocabularyTokenizer {
    static let name = "characters"
    static let documentation = "Unicode scalars as tokens, white space too."
    static let attributes: [AttributeSchema] = [
        .integer(
            "vocabulary", default: 5000, 5...TokenizerFile.mostTokens, "ids at most, with <pad>, <unk>, <bos> and <eos>"
        ),
        .integer("minimum_count", default: 1, 1...1e9, "characters that occur less often get no id"),
        .bool("lowercase", default: false, "whether texts are changed to lower case"),
    ]

    let vocabulary: Vocabulary

    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) throws {
        vocabulary = try Vocabulary(TokenizerFile(json))
    }

    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8] {
        var counts: [Unicode.Scalar: Int] = [:]
        let lowercases = attributes.bool("lowercase")
        var lowered: [UInt8] = []
        try texts.forEach { text in
            if host.isCancelled { throw PluginError.cancelled() }
            guard lowercases else { return count(text, &counts) }
            lowered.removeAll(keepingCapacity: true)
            Lowercase.append(text, to: &lowered)
            lowered.withUnsafeBufferPointer { count($0, &counts) }
        }
        guard !counts.isEmpty else { throw PluginError.data("the texts hold no character to learn") }
        let least = attributes.integer("minimum_count")
        let order = counts.filter { $0.value >= least }.sorted {
            $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key
        }
        guard !order.isEmpty else {
            throw PluginError.data("no character occurs \(least) times or more; lower minimum_count")
        }
        let room = attributes.integer("vocabulary") - TokenizerFile.specialNames.count
        var file = TokenizerFile(words: order.prefix(room).map { String($0.key) })
        file.lowercases = lowercases
        file.joining = .nothing
        file.model = .pairs(merges: [])
        return file.json.bytes(.compact)
    }

    private static func count(_ text: UnsafeBufferPointer<UInt8>, _ counts: inout [Unicode.Scalar: Int]) {
        var position = 0
        while position < text.count {
            let scalar = TextScalar(text, at: position)
            if let value = scalar.scalar { counts[value, default: 0] += 1 }
            position += scalar.length
        }
    }
}
