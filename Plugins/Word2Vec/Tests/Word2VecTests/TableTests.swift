import CWord2Vec
import Testing

@testable import Word2Vec

/// Noise, sub-sampling and the Huffman tree.
@Suite struct TableTests {
    @Test func noiseFollowsTheCountsToThePower() {
        let counts = [1000, 400, 100, 30, 10, 10, 3, 1]
        let table = AliasTable(counts: counts, exponent: 0.75)
        let weights = counts.map { pow34(Double($0)) }
        let total = weights.reduce(0, +)
        let draws = 1_000_000
        var observed = [Int](repeating: 0, count: counts.count)
        var random: UInt64 = 42
        for _ in 0..<draws { observed[Int(lamina_word2vec_noise(table.slots, Int64(counts.count), &random))] += 1 }
        let chiSquare = zip(observed, weights).reduce(0.0) {
            let expected = $1.1 / total * Double(draws)
            return $0 + (Double($1.0) - expected) * (Double($1.0) - expected) / expected
        }
        // 99.9 % of draws stay below this with 7 degrees of freedom.
        #expect(chiSquare < 24.32)
    }

    private func pow34(_ x: Double) -> Double { (x.squareRoot() * x).squareRoot() }

    @Test func noiseOfOneWeightAndOfEqualOnes() {
        var random: UInt64 = 1
        let one = AliasTable(weights: [3])
        #expect((0..<100).allSatisfy { _ in lamina_word2vec_noise(one.slots, 1, &random) == 0 })
        let some = AliasTable(weights: [0, 1, 0, 1])
        let drawn = Set((0..<1000).map { _ in lamina_word2vec_noise(some.slots, 4, &random) })
        #expect(drawn == [1, 3])
    }

    @Test func frequentWordsAreThinnedOut() {
        // Of 10,000 words, a threshold of 10: √(10 / 5,000) + 10 / 5,000 = 0.0467 of the first word's occurrences stay.
        let thresholds = SubSampling.thresholds(counts: [5000, 4960, 30, 10], threshold: 1e-3)
        #expect(abs(Double(thresholds[0]) / 0x1p32 - 0.046721) < 1e-5)
        #expect(abs(Double(thresholds[2]) / 0x1p32 - 0.910684) < 1e-5)
        #expect(thresholds[3] == .max)
        #expect(SubSampling.thresholds(counts: [5, 1], threshold: 0) == [.max, .max])
    }

    @Test(arguments: [
        [1, 1], [8, 4, 2, 1, 1], [5, 5, 5, 5, 5], [100, 1, 1, 1, 1, 1, 1], Array((1...200).reversed()),
        (0..<64).map { 1000 / ($0 + 1) },
    ]) func treeIsPrefixFreeAndShortest(_ counts: [Int]) {
        let tree = HuffmanTree(counts: counts)
        var codes: [[Float]] = []
        for word in counts.indices {
            let path = Int(tree.starts[word])..<Int(tree.starts[word + 1])
            #expect(Int(tree.nodes[path.lowerBound]) == counts.count - 2)
            #expect(path.allSatisfy { (0..<counts.count - 1).contains(Int(tree.nodes[$0])) })
            // Nodes are numbered from the leaves up, so that a path falls.
            #expect(zip(path, path.dropFirst()).allSatisfy { tree.nodes[$0] > tree.nodes[$1] })
            codes.append(path.map { tree.labels[$0] })
        }
        for a in codes.indices {
            for b in codes.indices where a != b { #expect(!codes[b].starts(with: codes[a])) }
        }
        #expect(tree.longestPath == codes.map(\.count).max())
        #expect(zip(codes, counts).reduce(0) { $0 + $1.0.count * $1.1 } == leastLength(counts))
    }

    /// The least total length of codes, found the simplest way: always merge the two smallest.
    private func leastLength(_ counts: [Int]) -> Int {
        var weights = counts
        var length = 0
        while weights.count > 1 {
            weights.sort()
            let merged = weights.removeFirst() + weights.removeFirst()
            length += merged
            weights.append(merged)
        }
        return length
    }
}
