import LaminaTesting
import Testing

@testable import Data

@Suite struct BytePairTests {
    /// Counts all pairs anew for every merge.
    private func naiveMerges(_ pieces: [[UInt8]], symbol: [Int32], tokens: Int, least: Int) -> [[Int32]] {
        var words = pieces.map { $0.map { symbol[Int($0)] } }
        var texts: [[UInt8]: Int32] = [:]
        var bytes: [Int32: [UInt8]] = [:]
        for byte in 0..<256 {
            texts[[UInt8(byte)]] = symbol[byte]
            bytes[symbol[byte]] = [UInt8(byte)]
        }
        var merges: [[Int32]] = []
        var next: Int32 = 260
        while Int(next) < tokens {
            var counts: [[Int32]: Int] = [:]
            for word in words where word.count > 1 {
                for index in 0..<word.count - 1 { counts[[word[index], word[index + 1]], default: 0] += 1 }
            }
            guard let top = counts.values.max(), top >= least else { break }
            let pair = counts.filter { $0.value == top }.keys.min { $0.lexicographicallyPrecedes($1) }!
            let text = bytes[pair[0]]! + bytes[pair[1]]!
            let id = texts[text] ?? next
            if texts[text] == nil {
                (texts[text], bytes[id]) = (id, text)
                next += 1
            }
            merges.append(pair + [id])
            words = words.map { replace(pair, in: $0, by: id) }
        }
        return merges
    }

    private func replace(_ pair: [Int32], in word: [Int32], by id: Int32) -> [Int32] {
        var result: [Int32] = []
        var index = 0
        while index < word.count {
            if index + 1 < word.count, [word[index], word[index + 1]] == pair {
                result.append(id)
                index += 2
            } else {
                result.append(word[index])
                index += 1
            }
        }
        return result
    }

    private func split(_ text: [UInt8]) -> [[UInt8]] {
        text.withUnsafeBufferPointer { text in
            var pieces: [[UInt8]] = []
            Splitting.byteLevel.forEachPiece(text) { pieces.append(Array(text[$0])) }
            return pieces
        }
    }

    /// Random texts of few letters, in which pairs are often equally frequent and overlap.
    private func randomText(_ random: inout SystemFreeRandom, _ length: Int, letters: UInt64) -> [UInt8] {
        (0..<length).map { _ in
            let value = random.next() % (letters + 1)
            return value == letters ? UInt8(ascii: " ") : UInt8(ascii: "a") + UInt8(value)
        }
    }

    @Test(arguments: 1...12) func trainerAgreesWithNaiveOne(seed: UInt64) throws {
        var random = SystemFreeRandom(seed)
        let texts = (0..<8).map { _ in randomText(&random, 60 + Int(random.next() % 200), letters: 1 + seed % 4) }
        let least = 1 + Int(seed % 3)
        let tokens = 300 + Int(seed) * 7
        let json = try TokenizerHarness.train(
            tokenizer("bpe"), ["vocabulary": .integer(Int64(tokens)), "minimum_count": .integer(Int64(least))],
            on: texts)
        let file = try json.withUnsafeBytes { try TokenizerFile($0) }
        guard case .pairs(let merges) = file.model else { return #expect(Bool(false), "no merges") }
        let symbol = (0..<256).map { byte in Int32(file.tokens.firstIndex(of: ByteAlphabet.text([UInt8(byte)]))!) }
        let wanted = naiveMerges(texts.flatMap(split), symbol: symbol, tokens: tokens, least: least)
        #expect(!merges.isEmpty)
        #expect(merges.map { [$0.left, $0.right, $0.result] } == wanted, "seed \(seed)")
        // And what the merges make of a text.
        let harness = try TokenizerHarness(tokenizer("bpe"), ["vocabulary": 300], json: json)
        for length in [0, 1, 2, 40, 300] {
            let text = randomText(&random, length, letters: 1 + seed % 4)
            let ids = split(text).flatMap { piece in
                merges.reduce(piece.map { symbol[Int($0)] }) { word, merge in
                    replace([merge.left, merge.right], in: word, by: merge.result)
                }
            }
            #expect(try harness.encode(text) == ids.map { Int($0) }, "seed \(seed), \(text)")
        }
    }

    @Test func everyByteStringComesBack() throws {
        let harness = try TokenizerHarness(tokenizer("bpe"), ["vocabulary": 500], on: TokenizerGoldenTests.corpus)
        var random = SystemFreeRandom(7)
        for length in 0..<300 {
            let text = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(try harness.decode(harness.encode(text)) == text)
        }
        for text in TokenizerGoldenTests.corpus + ["<pad><eos>", "\u{0}", ""] {
            let ids = try harness.encode(text)
            #expect(try harness.decode(ids) == Array(text.utf8))
            #expect(!ids.contains { $0 < 4 }, "the names of special tokens are text")
        }
    }

    /// The pieces of a text are the text.
    @Test func piecesLoseNothing() throws {
        var random = SystemFreeRandom(3)
        let parts = ["a", "é", " ", "\n", "'s", "'", "1", "Ⅷ", "-", "水", "\u{a0}", "\u{301}", "'ll", "\t"].map {
            Array($0.utf8)
        }
        for _ in 0..<500 {
            let text = (0..<Int(random.next() % 12)).flatMap { _ in parts[Int(random.next() % UInt64(parts.count))] }
            let pieces = split(text)
            #expect(pieces.flatMap { $0 } == text)
            #expect(!pieces.contains([]))
        }
    }

    @Test func stopsWhenNothingIsLeft() throws {
        let harness = try TokenizerHarness(tokenizer("bpe"), ["vocabulary": 100_000], on: ["aaaa aaaa"])
        // "aa" twice overlapping in each "aaaa", then "aaaa"; the blank only once.
        #expect(harness.vocabularySize == 262)
        #expect(try harness.encode("aaaa").count == 1)
        #expect(try harness.encode("aaaaa").count == 2)
    }
}

/// xorshift: the same numbers everywhere.
struct SystemFreeRandom {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state >> 11
    }
}
