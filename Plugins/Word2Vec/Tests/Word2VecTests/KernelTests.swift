import CWord2Vec
import Testing

@testable import Word2Vec

/// The kernels against plain loops in double precision, sentence by sentence.
@Suite struct KernelTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var objective = Settings.Objective.negativeSampling
        var isBag = false
        var hasSubwords = false
        var dimension = 100
        var window = 5
        var negatives = 5
        var words = 40
        var negativeWeight: Float = 1
        var testDescription: String {
            "\(objective)\(isBag ? " bag" : "")\(hasSubwords ? " subwords" : "") d\(dimension) "
                + "w\(window) k\(negatives) n\(words)"
        }
    }

    static let cases: [Case] = {
        var cases: [Case] = []
        for isBag in [false, true] {
            for objective in [Settings.Objective.negativeSampling, .hierarchicalSoftmax, .fullSoftmax] {
                cases.append(Case(objective: objective, isBag: isBag))
                cases.append(Case(objective: objective, isBag: isBag, dimension: 7, window: 2, words: 3))
                cases.append(Case(objective: objective, isBag: isBag, dimension: 64, window: 9, negatives: 12))
                if objective != .fullSoftmax || isBag {
                    cases.append(Case(objective: objective, isBag: isBag, hasSubwords: true, dimension: 33))
                }
            }
            for negatives in 1...8 { cases.append(Case(isBag: isBag, dimension: 20, negatives: negatives)) }
        }
        cases.append(Case(negativeWeight: 0.25))
        cases.append(Case(dimension: 1, window: 1, negatives: 1, words: 2))
        return cases
    }()

    @Test(arguments: cases) func matchesPlainLoops(_ c: Case) {
        let counts = (0..<c.words).map { 1000 / ($0 + 1) }
        let noise = AliasTable(counts: counts, exponent: 0.75)
        let tree = HuffmanTree(counts: counts)
        let extra = c.hasSubwords ? 50 : 0
        let inputRows = c.words + extra
        let outputRows = c.objective == .hierarchicalSoftmax ? c.words - 1 : c.words
        var random: UInt64 = 7
        func numbers(_ count: Int) -> [Float] {
            (0..<count).map { _ in Float(Int(lamina_word2vec_random(&random) >> 44) - (1 << 19)) / Float(1 << 20) }
        }
        // Something behind the last row, which must stay as it is.
        var input = numbers(inputRows * c.dimension) + [777]
        var output = numbers(outputRows * c.dimension) + [777]
        let sentence = (0..<50).map { _ in Int32(lamina_word2vec_noise(noise.slots, Int64(c.words), &random)) }
        let (starts, grams) = Self.subwords(c.words, extra, &random)

        var model = lamina_word2vec()
        model.dimension = Int64(c.dimension)
        model.words = Int64(c.words)
        model.window = Int64(c.window)
        model.objective = Int32(c.objective.raw.rawValue)
        model.is_bag = c.isBag ? 1 : 0
        model.negatives = Int64(c.negatives)
        model.noise = UnsafePointer(noise.slots)
        model.negative_weight = c.negativeWeight
        model.longest_path = Int64(tree.longestPath)
        var tally = lamina_word2vec_tally()
        var reference: TrainingReference!
        input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                tree.starts.withUnsafeBufferPointer { pathStarts in
                    tree.nodes.withUnsafeBufferPointer { nodes in
                        tree.labels.withUnsafeBufferPointer { labels in
                            starts.withUnsafeBufferPointer { starts in
                                grams.withUnsafeBufferPointer { grams in
                                    model.input = input.baseAddress
                                    model.output = output.baseAddress
                                    model.path_starts = pathStarts.baseAddress
                                    model.path_nodes = nodes.baseAddress
                                    model.path_labels = labels.baseAddress
                                    if c.hasSubwords {
                                        model.gram_starts = starts.baseAddress
                                        model.grams = grams.baseAddress
                                    }
                                    reference = TrainingReference(model, inputRows: inputRows, outputRows: outputRows)
                                    var (mine, theirs) = (UInt64(11), UInt64(11))
                                    reference.train(sentence, rate: 0.05, random: &theirs)
                                    Self.train(&model, sentence, 0.05, &mine, &tally)
                                    #expect(mine == theirs)
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(input.removeLast() == 777)
        #expect(output.removeLast() == 777)
        #expect(Self.largestDifference(input, reference.input) < 2e-5)
        #expect(Self.largestDifference(output, reference.output) < 2e-5)
        #expect(tally.losses == Int64(reference.losses))
        #expect(abs(tally.loss - reference.loss) < 1e-3 * max(1, abs(reference.loss)))
    }

    /// Each word's own row and up to four of the others.
    private static func subwords(_ words: Int, _ extra: Int, _ random: inout UInt64) -> ([Int64], [Int32]) {
        var (starts, grams): ([Int64], [Int32]) = ([0], [])
        for word in 0..<words {
            grams.append(Int32(word))
            for _ in 0..<(extra > 0 ? lamina_word2vec_random(&random) % 5 : 0) {
                grams.append(Int32(words + Int(lamina_word2vec_random(&random) % UInt64(extra))))
            }
            starts.append(Int64(grams.count))
        }
        return (starts, grams)
    }

    /// In scratch memory that holds no zeros, as it may.
    private static func train(
        _ model: inout lamina_word2vec, _ sentence: [Int32], _ rate: Float, _ random: inout UInt64,
        _ tally: inout lamina_word2vec_tally
    ) {
        let bytes = Int(lamina_word2vec_scratch(&model))
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes + 64, alignment: 64)
        defer { scratch.deallocate() }
        scratch.initializeMemory(as: UInt8.self, repeating: 0xff, count: bytes + 64)
        lamina_word2vec_train(&model, sentence, Int64(sentence.count), rate, &random, scratch, &tally)
        for i in bytes..<bytes + 64 { #expect(scratch.load(fromByteOffset: i, as: UInt8.self) == 0xff) }
    }

    private static func largestDifference(_ a: [Float], _ b: [Double]) -> Double {
        zip(a, b).reduce(a.count == b.count ? 0 : .infinity) { max($0, abs(Double($1.0) - $1.1)) }
    }

    @Test(arguments: [1, 3, 16, 17, 100]) func productsOfRows(_ dimension: Int) {
        let rows = (0..<5 * dimension).map { Float($0 % 7) - 3 }
        let x = (0..<dimension).map { Float($0 % 5) - 1 }
        var y = [Float](repeating: .nan, count: 5)
        lamina_word2vec_products(rows, 5, Int64(dimension), x, &y)
        #expect(y == (0..<5).map { i in (0..<dimension).reduce(0) { $0 + rows[i * dimension + $1] * x[$1] } })
    }
}
