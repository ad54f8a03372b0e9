import LaminaTesting
import Testing

@testable import Word2Vec

@Suite struct VocabularyTests {
    private let host = TestHost()

    private func count(_ text: some Sequence<UInt8>, minimumCount: Int = 1, limit: Int? = nil) throws -> Vocabulary {
        let folder = try Folder()
        let corpus = try Corpus(path: folder.file("corpus.txt", text), chunkBytes: 1 << 16)
        return try Vocabulary.count(corpus, minimumCount: minimumCount, limit: limit, host: host.host)
    }

    private func words(_ vocabulary: Vocabulary) -> [String] { (0..<vocabulary.count).map { vocabulary.words[$0] } }

    @Test func mostFrequentFirstAndTiesByBytes() throws {
        let vocabulary = try count("b a\tc  c\r\nzoë b\u{0} c a\u{c}é rare\n\n".utf8)
        #expect(words(vocabulary) == ["c", "a", "b", "rare", "zoë", "é"])
        #expect(vocabulary.counts == [3, 2, 2, 1, 1, 1])
        #expect(vocabulary.corpusWords == 10)
        #expect(vocabulary.words.index(of: "zoë") == 4)
        #expect(vocabulary.words.index(of: "zo") == nil)
        #expect(vocabulary.words.index(of: "") == nil)
    }

    @Test func rareAndLongWordsAreLeftOut() throws {
        let long = String(repeating: "x", count: 256)
        let text = "a b a b c \(long) \(long) \(long.dropLast()) \(long.dropLast())"
        let vocabulary = try count(text.utf8, minimumCount: 2)
        #expect(words(vocabulary) == ["a", "b", String(long.dropLast())])
        #expect(vocabulary.corpusWords == 9)
        #expect(vocabulary.counts.reduce(0, +) == 6)
        #expect(try words(count("a b b c c c".utf8, limit: 2)) == ["c", "b"])
    }

    @Test func aByteOrderMarkIsNoPartOfAWord() throws {
        let folder = try Folder()
        let corpus = try Corpus(path: folder.file("corpus.txt", "\u{FEFF}a b a\n"), chunkBytes: 1 << 16)
        let vocabulary = try Vocabulary.count(corpus, minimumCount: 1, host: host.host)
        #expect(words(vocabulary) == ["a", "b"] && vocabulary.counts == [2, 1])
        #expect(corpus.chunk(0) == 3..<9)
    }

    /// Words that never come again do not fill the memory.
    @Test func rareWordsAreForgotten() throws {
        let text = "a b c " + (0..<500).map { "once\($0) a b " }.joined() + "c"
        let folder = try Folder()
        let corpus = try Corpus(path: folder.file("corpus.txt", text), chunkBytes: 1 << 16)
        let host = TestHost()
        let vocabulary = try Vocabulary.count(corpus, minimumCount: 1, mostDifferentWords: 20, host: host.host)
        #expect(vocabulary.count <= 20)
        #expect(words(vocabulary).prefix(2) == ["a", "b"] && vocabulary.counts.prefix(2) == [501, 501])
        #expect(vocabulary.corpusWords == 1504)
        #expect(host.log.map(\.text).first?.contains("more than 20 different words") == true)
        #expect(try Vocabulary.count(corpus, minimumCount: 1, host: host.host).count == 503)
        #expect(host.log.count == 1)
    }

    @Test func manyWordsAreFoundAgain() throws {
        let names = (0..<50_000).map { "w\($0 * $0 % 1_000_003)" }
        let vocabulary = try count(names.joined(separator: " ").utf8)
        #expect(vocabulary.count == Set(names).count)
        for index in 0..<vocabulary.count { #expect(vocabulary.words.index(of: vocabulary.words[index]) == index) }
    }

    @Test func whatIsNoCorpus() throws {
        #expect(failure { _ = try count([]) }.contains("is empty: wanted words"))
        #expect(failure { _ = try count(" \n \n".utf8) }.contains("holds no word"))
        let one = failure { _ = try count("a a a b".utf8, minimumCount: 2) }
        #expect(one.contains("only 'a' occurs min_count = 2 times in"))
        #expect(one.contains("(4 words, 2 different ones)"))
        #expect(failure { _ = try count("a b".utf8, minimumCount: 2) }.contains("no word occurs min_count = 2 times"))
        let invalid = failure { _ = try count(Array("good\nok ".utf8) + [0xe9, 0x74, 0xe9] + Array(" x\n".utf8)) }
        #expect(invalid.contains("corpus.txt:2: the word at byte 8 is not UTF-8"))
        #expect(invalid.contains("iconv"))
        func opening(_ path: String) -> String { failure { _ = try Corpus(path: path, chunkBytes: 1 << 16) } }
        #expect(opening("/nowhere/corpus.txt").contains("cannot open '/nowhere/corpus.txt'"))
        #expect(opening("/tmp").contains("it is a folder"))
    }

    /// Chunks cover the file once, start with lines, and cut a text without lines between words.
    @Test(arguments: ["lines", "one line", "no space"]) func chunksAreWholeLines(_ kind: String) throws {
        let separator = kind == "lines" ? "\n" : kind == "one line" ? " " : "-"
        let text = (0..<3000).map { "word\($0)" }.joined(separator: separator)
        let folder = try Folder()
        let corpus = try Corpus(path: folder.file("corpus.txt", text), chunkBytes: 1000)
        var position = 0
        for i in 0..<corpus.chunkCount {
            let chunk = corpus.chunk(i)
            #expect(chunk.lowerBound == position)
            position = chunk.upperBound
            if kind != "no space", position < text.utf8.count {
                #expect(corpus.bytes[position - 1] == UInt8(ascii: kind == "lines" ? "\n" : " "))
            }
        }
        #expect(position == text.utf8.count)
    }

    @Test func sentencesAreLinesOfAtMostTenThousandWords() throws {
        let text = "a b unknown\n\n \nb a\n" + String(repeating: "a ", count: 25_000) + "b\nb"
        let folder = try Folder()
        let corpus = try Corpus(path: folder.file("corpus.txt", text), chunkBytes: 1 << 20)
        let table = WordTable()
        for word in ["a", "b"] { Array(word.utf8).withUnsafeBufferPointer { _ = table.insert($0) } }
        let vocabulary = Vocabulary(words: table, counts: [2, 1], corpusWords: 3)
        var sentence = [Int32](repeating: 0, count: SentenceReader.longestSentence)
        let thresholds: [UInt32] = [.max, .max]
        thresholds.withUnsafeBufferPointer { thresholds in
            var reader = SentenceReader(corpus, corpus.chunk(0), vocabulary, thresholds: thresholds.baseAddress!)
            var random: UInt64 = 1
            var sentences: [[Int32]] = []
            while true {
                let count = reader.next(into: &sentence, random: &random)
                if count < 0 { break }
                sentences.append(Array(sentence[..<count]))
            }
            #expect(sentences.map(\.count) == [2, 2, 10_000, 10_000, 5001, 1])
            #expect(sentences[0] == [0, 1])
            #expect(sentences[1] == [1, 0])
            #expect(sentences[4].last == 1)
            #expect(reader.wordsRead == 3 + 2 + 25_001 + 1)
            // None of the random numbers was needed.
            #expect(random == 1)
        }
    }
}
