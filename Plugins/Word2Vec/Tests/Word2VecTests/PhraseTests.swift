import LaminaTesting
import Testing

@testable import Word2Vec

@Suite struct PhraseTests {
    private func vocabulary(_ text: String, threshold: Double, delta: Int = 1) throws -> (Vocabulary, [[String]]) {
        let folder = try Folder()
        let corpus = try Corpus(path: folder.file("corpus.txt", text), chunkBytes: 1 << 20)
        let vocabulary = try Vocabulary.count(
            corpus, minimumCount: 2, phrases: Phrases.Rule(threshold: threshold, delta: delta), host: TestHost().host)
        var sentence = [Int32](repeating: 0, count: SentenceReader.longestSentence)
        var sentences: [[String]] = []
        let thresholds = [UInt32](repeating: .max, count: vocabulary.count)
        thresholds.withUnsafeBufferPointer { thresholds in
            var reader = SentenceReader(corpus, corpus.chunk(0), vocabulary, thresholds: thresholds.baseAddress!)
            var random: UInt64 = 1
            while true {
                let count = reader.next(into: &sentence, random: &random)
                if count < 0 { break }
                sentences.append(sentence[..<count].map { vocabulary.words[Int($0)] })
            }
        }
        return (vocabulary, sentences)
    }

    @Test func wordsThatStandTogetherBecomeOne() throws {
        let text = "in new york it is new\nthe new york of york\nnew york is in york\nnew\nyork in the\n"
        // new: 5, york: 6, "new york": 3 of 20 words: (3 - 1) / 30 · 20 = 1.33; "york is": (1 - 1) = 0.
        let (vocabulary, sentences) = try vocabulary(text, threshold: 1.3)
        #expect(vocabulary.words.index(of: "new_york") != nil)
        #expect(
            sentences == [
                ["in", "new_york", "is", "new"], ["the", "new_york", "york"], ["new_york", "is", "in", "york"], ["new"],
                ["york", "in", "the"],
            ])
        let counts = Dictionary(
            uniqueKeysWithValues: (0..<vocabulary.count).map { (vocabulary.words[$0], vocabulary.counts[$0]) })
        #expect(counts == ["in": 3, "new_york": 3, "york": 3, "is": 2, "new": 2, "the": 2])
        #expect(vocabulary.corpusWords == 20)
        let (plain, _) = try self.vocabulary(text, threshold: 1.4)
        #expect(plain.words.index(of: "new_york") == nil)
        #expect(plain.counts.reduce(0, +) == 18)
    }

    /// "b_c" is left out, because once "a_b" is read it occurs once; and a phrase that the text spells out is one with it.
    @Test func rareAndSpelledOutPhrases() throws {
        let (_, rare) = try vocabulary("a b c\na b c\nb c a b\nb b c\n", threshold: 0, delta: 0)
        #expect(rare == [["a_b", "c"], ["a_b", "c"], ["c", "a_b"], ["c"]])
        let (spelled, sentences) = try vocabulary("x_y x y\nx y x_y\nz\nz\nx y\n", threshold: 2, delta: 0)
        #expect(sentences.last == ["x_y"])
        #expect(spelled.counts[0] == 5)
    }

    @Test func pairsAreCountedAndForgotten() {
        let pairs = PairTable(bits: 2)
        for first in 0..<100 {
            for second in 0..<(first % 7) { for _ in 0...second { pairs.increment(first, second) } }
        }
        #expect(pairs.find(13, 5) == 6)
        #expect(pairs.find(13, 6) == nil)
        let before = pairs.count
        pairs.prune(1)
        #expect(pairs.count == before - 85)
        #expect(pairs.find(13, 0) == nil && pairs.find(13, 1) == 2)
        pairs.set(13, 1, 9)
        #expect(pairs.find(13, 1) == 9)
        var sum = 0
        pairs.forEach { sum += $0 * 0 + $1 * 0 + $2 }
        #expect(sum > 0)
        // Large corpora have more of "of the" than fit.
        pairs.set(13, 1, Int(Int32.max))
        pairs.increment(13, 1)
        #expect(pairs.find(13, 1) == Int(Int32.max))
    }
}
