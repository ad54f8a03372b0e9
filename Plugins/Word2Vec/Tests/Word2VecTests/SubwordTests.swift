import Testing

@testable import Word2Vec

@Suite struct SubwordTests {
    private func buckets(_ word: String, _ lengths: ClosedRange<Int>) -> [Int] {
        Array(word.utf8).withUnsafeBufferPointer { Subwords(lengths: lengths, buckets: 1_000_000).buckets(of: $0) }
    }

    /// FNV-1a of 32 bits over signed bytes.
    private func hash(_ text: String) -> Int {
        let sum = text.utf8.reduce(UInt32(2_166_136_261)) {
            ($0 ^ UInt32(truncatingIfNeeded: Int($1) - ($1 < 0x80 ? 0 : 256))) &* 16_777_619
        }
        return Int(sum) % 1_000_000
    }

    @Test func gramsOfAWord() {
        #expect(hash("a") == Int(UInt32(0xe40c292c)) % 1_000_000)
        #expect(buckets("where", 3...3) == ["<wh", "whe", "her", "ere", "re>"].map(hash))
        #expect(buckets("ab", 1...4) == ["<a", "<ab", "<ab>", "a", "ab", "ab>", "b", "b>"].map(hash))
        // Characters, not bytes.
        #expect(buckets("né", 3...3) == ["<né", "né>"].map(hash))
        // What gensim's ft_hash_bytes gives.
        #expect(buckets("né", 3...3) == [65143, 17737])
        #expect(buckets("a", 4...6) == [])
    }

    @Test func tableOfRows() {
        let words = WordTable()
        for word in ["ab", "c"] { Array(word.utf8).withUnsafeBufferPointer { _ = words.insert($0) } }
        let table = Subwords(lengths: 3...3, buckets: 10).table(words)
        #expect(table.starts == [0, 3, 5])
        #expect(table.rows[0] == 0 && table.rows[3] == 1)
        #expect(table.rows.allSatisfy { $0 < 12 } && table.rows[4] >= 2)
        let rows = (0..<12).map { Float($0) }
        var vectors: [Float] = [0, 0]
        table.compose(rows, &vectors, dimension: 1)
        #expect(abs(vectors[0] - Float(table.rows[0] + table.rows[1] + table.rows[2]) / 3) < 1e-6)
    }
}
