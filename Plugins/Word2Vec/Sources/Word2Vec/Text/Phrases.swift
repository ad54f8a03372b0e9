import LaminaSDK

/// Pairs of words that stand together more often than chance has it, and count as one word: "new york" as "new_york".
///
/// A pair is a phrase if (count(ab) - delta) / (count(a) · count(b)) · words > threshold; delta keeps out pairs of rare
/// words. A sentence is read from the left, and a word belongs to one phrase at most. Mikolov et al.: Distributed
/// Representations of Words and Phrases and their Compositionality, 2013, section 4.
final class Phrases {
    struct Rule: Equatable {
        var threshold = 100.0
        /// Also the least count of both words.
        var delta = 5
    }

    /// Words of the text, then phrases.
    private let table: WordTable
    /// Per pair of words its phrase: the number in `table`, later that in the vocabulary, negative if it is not there.
    private var pairs: PairTable
    private let parts: [(first: Int, second: Int)]
    /// Per word its number in the vocabulary, or -1.
    private var numbers: [Int32] = []

    /// Pairs that are counted at a time, 12 bytes each and as much again for free slots. Beyond, rare ones are forgotten.
    private static let mostPairs = 8_000_000

    /// Finds the phrases of a corpus and appends them to `table`, which holds its words.
    init(
        _ corpus: Corpus, _ table: WordTable, _ counts: [Int], corpusWords: Int, _ rule: Rule, host: Host,
        progress: (Double) -> Void
    ) throws {
        self.table = table
        let counted = PairTable()
        var (last, limit) = (-1, 0)
        try corpus.forEachWord(host: host, progress: progress) { word in
            var index = word.length > WordTable.longestWord ? -1 : table.find(word.start, word.length, word.hash)
            if index >= 0, counts[index] < rule.delta { index = -1 }
            if last >= 0, index >= 0, !word.startsSentence { counted.increment(last, index) }
            last = index
            while counted.count > Self.mostPairs {
                limit += 1
                counted.prune(limit)
            }
        }
        var found: [(first: Int, second: Int)] = []
        counted.forEach { first, second, value in
            let score = Double(value - rule.delta) / Double(counts[first]) / Double(counts[second])
            if score * Double(corpusWords) > rule.threshold { found.append((first, second)) }
        }
        parts = found
        pairs = PairTable()
        for pair in found {
            let text = Array(table.word(pair.first)) + [UInt8(ascii: "_")] + Array(table.word(pair.second))
            // A text may hold "new_york" already.
            pairs.set(pair.first, pair.second, text.withUnsafeBufferPointer { table.insert($0).index })
        }
    }

    /// How often words and phrases occur when phrases are read as such.
    func count(_ corpus: Corpus, host: Host, progress: (Double) -> Void) throws -> [Int] {
        var counts = [Int](repeating: 0, count: table.count)
        var last = -1
        try corpus.forEachWord(host: host, progress: progress) { word in
            if word.startsSentence, last >= 0 {
                counts[last] += 1
                last = -1
            }
            let index = word.length > WordTable.longestWord ? -1 : table.find(word.start, word.length, word.hash)
            if last >= 0, index >= 0, let phrase = pairs.find(last, index) {
                counts[phrase] += 1
                last = -1
            } else {
                if last >= 0 { counts[last] += 1 }
                last = index
            }
        }
        if last >= 0 { counts[last] += 1 }
        return counts
    }

    /// From now on, words and phrases have the numbers of a vocabulary.
    func number(_ vocabulary: WordTable) {
        func find(_ index: Int) -> Int {
            let word = table.word(index)
            return vocabulary.find(word.baseAddress!, word.count, WordTable.hash(word))
        }
        numbers = (0..<table.count).map { Int32(find($0)) }
        let old = pairs
        pairs = PairTable()
        for pair in parts {
            let number = numbers[old.find(pair.first, pair.second)!]
            if number >= 0 { pairs.set(pair.first, pair.second, Int(number)) }
        }
    }

    /// The word's number in the text's table, or -1.
    @inline(__always)
    func find(_ word: UnsafePointer<UInt8>, _ length: Int, _ hash: UInt64) -> Int { table.find(word, length, hash) }

    /// The vocabulary's number of a word that stands alone, or -1.
    @inline(__always)
    func number(_ index: Int) -> Int { Int(numbers[index]) }

    /// The vocabulary's number of the phrase that two words make, or nil.
    @inline(__always)
    func phrase(_ first: Int, _ second: Int) -> Int? { pairs.find(first, second) }
}
