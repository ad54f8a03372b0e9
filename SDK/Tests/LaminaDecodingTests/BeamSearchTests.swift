import Foundation
import LaminaSDK
import LaminaTesting
import Testing

@testable import LaminaDecoding

/// The search against an exhaustive one, over a decoder whose probabilities follow from the tokens so far.
@Suite struct BeamSearchTests {
    /// Logits are a hash of the sentence and of all tokens before.
    final class Table: StepModel {
        let vocabulary: Int
        let seed: UInt64
        private var histories: [[Int64]]
        private let memory: UnsafeMutablePointer<Float>
        private(set) var steps = 0

        init(sentences: Int, vocabulary: Int, seed: UInt64) {
            self.vocabulary = vocabulary
            self.seed = seed
            histories = (0..<sentences).map { [Int64(1000 + $0)] }
            memory = .allocate(capacity: 4096 * vocabulary)
        }
        deinit { memory.deallocate() }

        static func logits(_ history: [Int64], _ vocabulary: Int, _ seed: UInt64) -> [Float] {
            (0..<vocabulary).map { token in
                var hash = seed &+ 0x9E37_79B9_7F4A_7C15
                for value in history + [Int64(token)] {
                    hash = (hash ^ UInt64(bitPattern: value)) &* 0xBF58_476D_1CE4_E5B9
                    hash ^= hash >> 29
                }
                return Float(hash % 10_000) / 2_500
            }
        }

        func step(_ tokens: [[Int64]], continuing rows: [Int]) throws -> UnsafePointer<Float> {
            histories = zip(tokens, rows).map { histories[$1] + $0 }
            for (row, history) in histories.enumerated() {
                for (token, value) in Self.logits(history, vocabulary, seed).enumerated() {
                    memory[row * vocabulary + token] = value
                }
            }
            steps += 1
            return UnsafePointer(memory)
        }

        /// Which tokens the row has seen, so that the path of a hypothesis shows.
        func weights(_ row: Int) -> [Float] { histories[row].dropFirst().map { Float($0) } }
    }

    private static let (begin, end) = (Int64(0), Int64(1))

    /// Every complete answer of a sentence with its log-probability.
    private func all(_ sentence: Int, _ vocabulary: Int, _ maximum: Int, _ seed: UInt64) -> [Hypothesis] {
        var answers: [Hypothesis] = []
        func extend(_ history: [Int64], _ tokens: [Int64], _ sum: Double) {
            let logits = Table.logits(history, vocabulary, seed)
            var values = [Double](repeating: 0, count: vocabulary)
            logProbabilities(logits, vocabulary, into: &values)
            for token in 1..<vocabulary {
                let next = tokens + [Int64(token)]
                if token == 1 || next.count == maximum {
                    answers.append(
                        Hypothesis(tokens: next, logProbability: sum + values[token], isFinished: token == 1))
                } else {
                    extend(history + [Int64(token)], next, sum + values[token])
                }
            }
        }
        extend([Int64(1000 + sentence), Self.begin], [], 0)
        return answers
    }

    private func search(_ width: Int, _ penalty: Double = 0, maximum: Int = 100) -> BeamSearch {
        var search = BeamSearch(begin: [Self.begin], end: Self.end)
        (search.width, search.penalty, search.maximum) = (width, penalty, maximum)
        search.forbidden = [Self.begin]
        return search
    }

    private func search(
        _ width: Int, _ penalty: Double, sentences: Int, vocabulary: Int, maximum: Int, seed: UInt64,
        weights: Bool = false
    ) throws -> [[Hypothesis]] {
        var search = search(width, penalty, maximum: maximum)
        search.keepsWeights = weights
        return try search.decode(
            Table(sentences: sentences, vocabulary: vocabulary, seed: seed), sentences: sentences, cancelled: { false })
    }

    @Test(arguments: [0, 0.6, 2]) func aWideBeamFindsTheBest(penalty: Double) throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            let found = try search(200, penalty, sentences: 3, vocabulary: 5, maximum: 4, seed: seed)
            for (sentence, answers) in found.enumerated() {
                let wanted = all(sentence, 5, 4, seed).sorted {
                    $0.score(penalty: penalty) > $1.score(penalty: penalty)
                }
                for (got, want) in zip(answers, wanted).prefix(10) {
                    #expect(abs(got.score(penalty: penalty) - want.score(penalty: penalty)) < 1e-9, "seed \(seed)")
                }
                #expect(answers[0].tokens == wanted[0].tokens)
            }
        }
    }

    @Test(arguments: [2, 3, 5]) func noAnswerIsLessProbableThanTheGreedyOne(width: Int) throws {
        var better = 0
        for seed in 1...60 as ClosedRange<UInt64> {
            let greedy = try search(1, 0, sentences: 4, vocabulary: 12, maximum: 8, seed: seed)
            let beam = try search(width, 0, sentences: 4, vocabulary: 12, maximum: 8, seed: seed)
            for (left, right) in zip(greedy, beam) {
                #expect(right[0].logProbability >= left[0].logProbability, "seed \(seed)")
                if right[0].logProbability > left[0].logProbability { better += 1 }
                #expect(right.count <= width)
                #expect(zip(right, right.dropFirst()).allSatisfy { $0.logProbability >= $1.logProbability })
                #expect(Set(right.map(\.tokens)).count == right.count)
            }
        }
        #expect(better > 20)
    }

    @Test func greedyTakesTheMostProbableToken() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let found = try search(1, 0.7, sentences: 2, vocabulary: 9, maximum: 6, seed: seed)
            for (sentence, answers) in found.enumerated() {
                var history = [Int64(1000 + sentence), Self.begin]
                var tokens: [Int64] = []
                while tokens.count < 6, tokens.last != Self.end {
                    let logits = Table.logits(history, 9, seed)
                    let token = Int64((1..<9).max { logits[$0] < logits[$1] }!)
                    tokens.append(token)
                    history.append(token)
                }
                #expect(answers.map(\.tokens) == [tokens])
                #expect(answers[0].isFinished == (tokens.last == Self.end))
            }
        }
    }

    /// Rows of the decoder follow their beginnings, whatever is dropped: the weights tell what each row had seen.
    @Test func statesFollowTheirHypotheses() throws {
        for width in [1, 4] {
            for answers in try search(width, 0, sentences: 5, vocabulary: 7, maximum: 6, seed: 5, weights: true) {
                for answer in answers {
                    for (step, seen) in answer.weights.enumerated() {
                        #expect(seen.map { Int64($0) } == [Self.begin] + answer.tokens.prefix(step))
                    }
                    #expect(answer.weights.count == answer.tokens.count)
                }
            }
        }
    }

    /// The same probabilities at every step.
    final class Constant: StepModel {
        var vocabulary: Int { logits.count }
        private let logits: [Float]
        private let memory = UnsafeMutablePointer<Float>.allocate(capacity: 256)
        private(set) var steps = 0

        init(_ probabilities: [Double]) { logits = probabilities.map { Float(log($0)) } }
        deinit { memory.deallocate() }

        func step(_ tokens: [[Int64]], continuing rows: [Int]) -> UnsafePointer<Float> {
            for row in rows.indices {
                for (token, logit) in logits.enumerated() { memory[row * logits.count + token] = logit }
            }
            steps += 1
            return UnsafePointer(memory)
        }

        func weights(_ row: Int) -> [Float] { [] }
    }

    /// The greedy beginning never ends, but has fallen behind two answers after three steps; so has all else.
    @Test(arguments: [0, 0.1]) func theSearchEndsWhenNothingCanGetAmongTheBest(penalty: Double) throws {
        let decoder = Constant([0.001, 0.35, 0.4, 0.249])
        let answers = try search(2, penalty).decode(decoder, sentences: 1, cancelled: { false })
        #expect(answers[0].map(\.tokens) == [[1], [2, 1]])
        #expect(decoder.steps == 3)
    }

    /// More logits than tokens: what stands for none is not chosen, and has no part in the probabilities.
    @Test func logitsBehindTheVocabulary() throws {
        for width in [1, 3] {
            var search = search(width, maximum: 9)
            search.vocabulary = 3
            let best = try search.decode(Constant([0.1, 0.3, 0.1, 0.5]), sentences: 2, cancelled: { false })[1][0]
            #expect(best.tokens == [1])
            #expect(abs(best.logProbability - log(0.6)) < 1e-6)
        }
    }

    @Test(arguments: [-1, .infinity]) func logitsThatAreNoNumbers(_ probability: Double) {
        for width in [1, 4] {
            #expect {
                try search(width).decode(Constant([0.3, probability, 0.2]), sentences: 1, cancelled: { false })
            } throws: { "\($0)".contains("logits that are no numbers") }
        }
    }

    /// A beginning of several tokens is told at once; what is complete by its content ends there.
    @Test func beginningsAndEndsOfSeveralTokens() throws {
        let table = Table(sentences: 1, vocabulary: 9, seed: 3)
        var search = BeamSearch(begin: [5, 6, 7], end: nil)
        (search.width, search.maximum, search.keepsWeights) = (3, 6, true)
        search.isComplete = { $0.tokens.count == 4 }
        let answers = try search.decode(table, sentences: 1, cancelled: { false })[0]
        #expect(answers.count == 3 && table.steps == 4)
        for answer in answers {
            #expect(answer.tokens.count == 4 && answer.isFinished)
            #expect(answer.weights[3].map { Int64($0) } == [5, 6, 7] + answer.tokens.dropLast())
        }
    }

    /// No more answers than there are, however wide the beam.
    @Test func aBeamWiderThanTheVocabulary() throws {
        let answers = try search(50, 0, sentences: 2, vocabulary: 2, maximum: 3, seed: 1)
        #expect(answers.map { $0.map(\.tokens) } == [[[1]], [[1]]])
    }

    @Test func sampling() throws {
        let logits: [Float] = [2, 1, 0, -1]
        let weights = logits.map { exp(Double($0)) }
        let total = weights.reduce(0, +)
        func counts(_ sampling: Sampling, forbidden: [Int64] = []) throws -> [Double] {
            var counts = [Double](repeating: 0, count: 4)
            // Four standard deviations of a frequency are 0.0028.
            let random = TensorValue.uniform([500_000, 8], 0...1, seed: 7).floats
            try random.withUnsafeBufferPointer { random in
                for draw in 0..<500_000 {
                    let token = try sampling.choose(
                        logits, 4, random: random.baseAddress! + 8 * draw, forbidden: forbidden)
                    counts[Int(token)] += 1 / 500_000
                }
            }
            return counts
        }
        #expect(try zip(counts(Sampling()), weights).allSatisfy { abs($0 - $1 / total) < 0.003 })
        #expect(try counts(Sampling(temperature: 0)).map { $0.rounded() } == [1, 0, 0, 0])
        #expect(try counts(Sampling(temperature: .leastNonzeroMagnitude * 1e13)).map { $0.rounded() } == [1, 0, 0, 0])
        let two = weights[0] + weights[1]
        #expect(try abs(counts(Sampling(topK: 2))[1] - weights[1] / two) < 0.003 && counts(Sampling(topK: 2))[2] == 0)
        // The first has 0.64, the first two 0.88.
        #expect(try counts(Sampling(topP: 0.7))[2] == 0 && counts(Sampling(topP: 0.7))[1] > 0)
        #expect(try counts(Sampling(topP: 0.6))[1] == 0)
        #expect(try counts(Sampling(), forbidden: [0])[0] == 0)
        let hot = try counts(Sampling(temperature: 2))
        #expect(abs(hot[1] / hot[0] - exp(-0.5)) < 0.01)
    }

    /// Where all probability lies on tokens that are never chosen, none is, instead of one of them.
    @Test func nothingMayFollow() {
        for width in [1, 3] {
            #expect {
                try search(width).decode(Constant([1, 0, 0]), sentences: 1, cancelled: { false })
            } throws: { "\($0)".contains("no probability to any token that may follow") }
        }
        for temperature in [0, 1.0] {
            #expect {
                try Sampling(temperature: temperature).choose(
                    [2, -.infinity, 1], 3, random: [Float](repeating: 0.5, count: 6), forbidden: [0, 2])
            } throws: { "\($0)".contains("no probability to any token that may follow") }
        }
    }

    @Test func theLargestAreInOrder() {
        #expect(BeamSearch.largest([1, 5, 3, 5, 2], 3) == [1, 3, 2])
        #expect(BeamSearch.largest([1], 3) == [0] && BeamSearch.largest([], 2) == [])
    }
}
