import CLamina
import LaminaFormats
import LaminaSDK

/// The words of a model with their counts, most frequent first; ties in the order of their bytes.
final class Vocabulary {
    let words: WordTable
    let counts: [Int]
    /// Words of the corpus, with those that are too rare or too long.
    let corpusWords: Int
    /// Pairs that count as one word, if there are any.
    let phrases: Phrases?

    var count: Int { counts.count }
    /// Tells whether another vocabulary has the same words with the same counts.
    var fingerprint: UInt64 { file.withUnsafeBufferPointer { WordTable.hash($0) } }

    /// Different words that are counted at a time, with some 40 bytes each beside their letters. Beyond, rare ones are
    /// forgotten, as in word2vec.c: a corpus whose words never come again would else take all memory.
    static let mostDifferentWords = 1 << 23

    init(words: WordTable, counts: [Int], corpusWords: Int, phrases: Phrases? = nil) {
        self.words = words
        self.counts = counts
        self.corpusWords = corpusWords
        self.phrases = phrases
    }

    /// Keeps words that occur `minimumCount` times, at most `limit` of them, and sorts them.
    convenience init(
        counted table: WordTable, _ counts: [Int], corpusWords: Int, minimumCount: Int, limit: Int?, phrases: Phrases?
    ) {
        var order = (0..<table.count).filter { counts[$0] >= minimumCount }
        order.sort { a, b in
            if counts[a] != counts[b] { return counts[a] > counts[b] }
            return table.word(a).lexicographicallyPrecedes(table.word(b))
        }
        if let limit, order.count > limit { order.removeSubrange(limit...) }
        let sorted = WordTable(capacity: order.count)
        for index in order { _ = sorted.insert(table.word(index)) }
        self.init(words: sorted, counts: order.map { counts[$0] }, corpusWords: corpusWords, phrases: phrases)
    }

    /// Counts the words of a corpus, and with a rule those pairs that count as one.
    ///
    /// Throws `.data`: a word that is not UTF-8, with its line; fewer than two words left. Words longer than 255 bytes are
    /// passed over.
    static func count(
        _ corpus: Corpus, minimumCount: Int, limit: Int? = nil, phrases rule: Phrases.Rule? = nil,
        mostDifferentWords: Int = mostDifferentWords, host: Host, progress: (Double) -> Void = { _ in }
    ) throws -> Vocabulary {
        var table = WordTable()
        var counts: [Int] = []
        var hasForgotten = false
        var total = 0
        let passes = rule == nil ? 1.0 : 3.0
        try corpus.forEachWord(host: host, progress: { progress($0 / passes) }) { word in
            total += 1
            if word.length > WordTable.longestWord { return }
            let index = table.find(word.start, word.length, word.hash)
            if index >= 0 {
                counts[index] += 1
            } else {
                try checkText(word, corpus)
                _ = table.insert(word.start, word.length, word.hash)
                counts.append(1)
                guard table.count > mostDifferentWords else { return }
                forgetRareWords(&table, &counts, leaving: mostDifferentWords / 2)
                hasForgotten = true
            }
        }
        if hasForgotten {
            host.log(
                LAMINA_LOG_WARNING,
                "'\(corpus.path)' has more than \(mostDifferentWords) different words: some that had been rare so far "
                    + "were forgotten while counting")
        }
        guard total > 0 else {
            throw PluginError.data("the corpus '\(corpus.path)' holds no word: wanted words between spaces")
        }
        var phrases: Phrases?
        if let rule {
            phrases = try Phrases(corpus, table, counts, corpusWords: total, rule, host: host) {
                progress((1 + $0) / passes)
            }
            counts = try phrases!.count(corpus, host: host) { progress((2 + $0) / passes) }
        }
        let vocabulary = Vocabulary(
            counted: table, counts, corpusWords: total, minimumCount: minimumCount, limit: limit, phrases: phrases)
        guard vocabulary.count >= 2 else {
            let found = vocabulary.count == 0 ? "no word occurs" : "only '\(vocabulary.words[0])' occurs"
            throw PluginError.data(
                "\(found) min_count = \(minimumCount) times in '\(corpus.path)' (\(total) words, \(table.count) different "
                    + "ones): two are needed to learn from; lower min_count or take a larger corpus")
        }
        phrases?.number(vocabulary.words)
        return vocabulary
    }

    /// Forgets words that occurred once, then twice …, until at most `limit` are left.
    private static func forgetRareWords(_ table: inout WordTable, _ counts: inout [Int], leaving limit: Int) {
        var rare = 1
        while counts.count(where: { $0 > rare }) > limit { rare += 1 }
        let (common, kept) = (WordTable(), counts.indices.filter { counts[$0] > rare })
        for index in kept { _ = common.insert(table.word(index)) }
        (table, counts) = (common, kept.map { counts[$0] })
    }

    private static func checkText(_ word: Word, _ corpus: Corpus) throws {
        let bytes = UnsafeBufferPointer(start: word.start, count: word.length)
        if String(validating: bytes, as: UTF8.self) != nil { return }
        let offset = UnsafeRawPointer(word.start) - corpus.bytes.baseAddress!
        throw PluginError.data(
            "\(corpus.place(offset)): the word at byte \(offset) is not UTF-8: '\(String(decoding: bytes, as: UTF8.self))'; "
                + "convert the file first, with iconv -f LATIN1 -t UTF-8 for example")
    }

    /// The file that models carry: per line a word and its count.
    var file: [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<count {
            bytes.append(contentsOf: words.word(index))
            bytes.append(contentsOf: " \(counts[index])\n".utf8)
        }
        return bytes
    }

    /// Reads `file`. Throws `.data` with the line.
    static func words(inFile bytes: UnsafeRawBufferPointer) throws -> WordTable {
        let words = WordTable()
        for (number, line) in bytes.bindMemory(to: UInt8.self).split(separator: UInt8(ascii: "\n")).enumerated() {
            let word = UnsafeBufferPointer(rebasing: line.prefix { $0 > 0x20 })
            guard !word.isEmpty, String(validating: word, as: UTF8.self) != nil, words.insert(word).isNew else {
                throw PluginError.data("line \(number + 1) of the model's vocabulary holds no new word")
            }
        }
        return words
    }
}
