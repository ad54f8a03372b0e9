import CWord2Vec

/// Turns a chunk of a corpus into sentences of word numbers, without rare words and with frequent ones thinned out.
struct SentenceReader {
    /// Longer sentences are cut.
    static let longestSentence = 10_000

    private let bytes: UnsafePointer<UInt8>
    private var position: Int
    private let end: Int
    private let words: WordTable
    private let phrases: Phrases?
    private let thresholds: UnsafePointer<UInt32>
    /// Words that were read, with those that were left out.
    private(set) var wordsRead = 0
    /// Where the last sentence began.
    private(set) var start: Int

    init(_ corpus: Corpus, _ range: Range<Int>, _ vocabulary: Vocabulary, thresholds: UnsafePointer<UInt32>) {
        bytes = corpus.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        position = range.lowerBound
        start = range.lowerBound
        end = range.upperBound
        words = vocabulary.words
        phrases = vocabulary.phrases
        self.thresholds = thresholds
    }

    /// Writes the next sentence, of at most `longestSentence` words; returns their number, or -1 at the end.
    mutating func next(into sentence: UnsafeMutablePointer<Int32>, random: inout UInt64) -> Int {
        var (position, count, read) = (position, 0, 0)
        /// The last word, as long as it may begin a phrase.
        var pending = -1
        start = position
        func keep(_ number: Int) {
            guard number >= 0 else { return }
            let threshold = thresholds[number]
            if threshold == .max || UInt32(truncatingIfNeeded: lamina_word2vec_random(&random)) < threshold {
                sentence[count] = Int32(truncatingIfNeeded: number)
                count &+= 1
            }
        }
        while position < end, read < Self.longestSentence {
            let byte = bytes[position]
            if byte <= 0x20 {
                position &+= 1
                if byte == UInt8(ascii: "\n"), read > 0 { break }
                continue
            }
            let begin = position
            var hash = WordTable.hashStart
            repeat {
                hash = WordTable.hash(hash, bytes[position])
                position &+= 1
            } while position < end && bytes[position] > 0x20
            read &+= 1
            guard let phrases else {
                keep(words.find(bytes + begin, position &- begin, hash))
                continue
            }
            let index = phrases.find(bytes + begin, position &- begin, hash)
            if pending >= 0, index >= 0, let phrase = phrases.phrase(pending, index) {
                keep(phrase)
                pending = -1
            } else {
                if pending >= 0 { keep(phrases.number(pending)) }
                pending = index
            }
        }
        if pending >= 0, let phrases { keep(phrases.number(pending)) }
        self.position = position
        wordsRead += read
        return read > 0 ? count : -1
    }
}
