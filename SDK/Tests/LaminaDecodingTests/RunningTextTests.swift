import Testing

@testable import LaminaDecoding

@Suite struct RunningTextTests {
    /// Characters of several tokens, as in a vocabulary of bytes, come when they are complete, the last in any case.
    @Test func charactersOfSeveralTokens() throws {
        let bytes = Array("aé€b".utf8) + [0xE2, 0x82]
        var running = RunningText()
        var pieces: [String] = []
        for count in 1...bytes.count {
            pieces.append(
                try running.next(bytes.prefix(count).map(Int64.init)[...], isWhole: count == bytes.count) {
                    String(decoding: $0.map { UInt8($0) }, as: UTF8.self)
                })
        }
        #expect(pieces == ["a", "", "é", "", "", "€", "b", "", "\u{FFFD}"])
    }

    /// Words with spaces between them: how a piece begins depends on what stands before it.
    @Test func wordsAreJoined() throws {
        var running = RunningText()
        let words = ["", "one", "two", "", "three"]
        let pieces = try (1...4).map { count in
            try running.next([1, 2, 0, 4].prefix(count), isWhole: count == 4) { tokens in
                tokens.map { words[Int($0)] }.filter { !$0.isEmpty }.joined(separator: " ")
            }
        }
        #expect(pieces == ["one", " two", "", " three"])
    }
}
