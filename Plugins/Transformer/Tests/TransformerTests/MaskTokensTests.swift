import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

/// BERT's corruption of a batch: what is chosen, what becomes of it, what the target says.
@Suite struct MaskTokensTests {
    /// Ids 0 to 3 are special, 4 to 23 words.
    private static let words = ["<pad>", "<unk>", "<bos>", "<eos>"] + (0..<20).map { "w\($0)" }

    private func harness(
        _ attributes: JSONObject = [:], words: [String] = words, texts: [String] = ["tokens"]
    ) throws -> BatchTransformHarness {
        let text = TaskHarness.TextInput(try WordList.harness(words))
        return try BatchTransformHarness(
            .batchTransform(MaskTokens.self), attributes,
            model: TaskHarness(texts: Dictionary(uniqueKeysWithValues: texts.map { ($0, text) })))
    }

    private func tokens(_ rows: [[Int]]) -> TensorValue {
        TensorValue([rows.count, rows[0].count], int64s: rows.joined().map(Int64.init))
    }

    private typealias Ids = [Int64]

    private func apply(
        _ transform: BatchTransformHarness, _ tokens: TensorValue, seed: UInt64 = 1
    ) throws -> (input: Ids, target: Ids) {
        let result = try transform.apply(inputs: [("tokens", tokens)], target: tokens, seed: seed)
        return (result.inputs[0].elements(), result.target!.elements())
    }

    /// A row has <bos>, words, <eos>, then padding.
    private func row(words count: Int, of length: Int) -> [Int] {
        [2] + (0..<count).map { 4 + $0 % 20 } + [3] + Array(repeating: 0, count: length - count - 2)
    }

    @Test func choosesOrdinaryTokens() throws {
        let counts = [1, 3, 7, 20, 38]
        let batch = tokens(counts.map { row(words: $0, of: 40) })
        let before: Ids = batch.elements()
        for seed in 1...20 as ClosedRange<UInt64> {
            let (input, target) = try apply(harness(), batch, seed: seed)
            for (number, count) in counts.enumerated() {
                let places = (number * 40)..<((number + 1) * 40)
                let chosen = places.filter { target[$0] != -100 }
                #expect(chosen.count == max(1, Int((0.15 * Double(count)).rounded())))
                for place in places {
                    if chosen.contains(place) {
                        #expect(target[place] == before[place] && before[place] >= 4)
                        #expect(input[place] == 1 || (4..<24).contains(input[place]))
                    } else {
                        #expect(input[place] == before[place])
                    }
                }
            }
        }
    }

    @Test func sharesAreKept() throws {
        // One word, so that a token that stays is told from a random one.
        let batch = tokens((0..<100).map { _ in Array(repeating: 9, count: 200) })
        let (input, target) = try apply(harness(), batch)
        let chosen = target.indices.filter { target[$0] == 9 }
        #expect(chosen.count == 3000)
        let masked = chosen.count { input[$0] == 1 }
        let stayed = chosen.count { input[$0] == 9 }
        let random = Dictionary(grouping: chosen.map { input[$0] }.filter { $0 != 1 && $0 != 9 }) { $0 }
        #expect(abs(masked - 2400) < 90)
        // A random token may be the same one.
        #expect(abs(stayed - 315) < 70)
        #expect(Set(random.keys) == Set((4..<24).filter { $0 != 9 }.map(Int64.init)))
        #expect(random.values.allSatisfy { (3...35).contains($0.count) })
        // No place is preferred.
        for half in [0..<100, 100..<200] { #expect(abs(chosen.count { half.contains($0 % 200) } - 1500) < 110) }
    }

    @Test func followsTheAttributes() throws {
        let batch = tokens([row(words: 30, of: 40)])
        let all = try apply(
            harness(["share": 1, "mask_share": 1, "random_share": 0, "mask": 7, "ignore_index": 0]), batch)
        #expect(all.input == [2] + Array(repeating: 7, count: 30) + [3] + Array(repeating: 0, count: 8))
        // The mask token itself is not ordinary.
        let words: Ids = batch.elements()
        #expect(all.target == words.map { $0 < 4 || $0 == 7 ? 0 : $0 })
        let none = try apply(harness(["share": 0.5, "mask_share": 0, "random_share": 0]), batch)
        #expect(none.input == batch.elements())
        #expect(none.target.count { $0 != -100 } == 15)
        let random = try apply(harness(["share": 1, "mask_share": 0, "random_share": 1]), batch)
        #expect(random.input != batch.elements() && random.input[1...30].allSatisfy { $0 >= 4 })
    }

    @Test func findsTheMaskToken() throws {
        let only: JSONObject = ["share": 1, "mask_share": 1, "random_share": 0]
        for (name, place) in [("<mask>", 6), ("[MASK]", 24)] {
            var words = Self.words
            words.insert(name, at: place)
            let (input, _) = try apply(harness(only, words: words), tokens([[2, 4, 5, 3]]))
            #expect(input == [2, Int64(place), Int64(place), 3])
        }
        let (input, _) = try apply(harness(only), tokens([[2, 4, 5, 3]]))
        #expect(input == [2, 1, 1, 3])
    }

    @Test func followsTheSeed() throws {
        let batch = tokens((0..<4).map { _ in row(words: 38, of: 40) })
        let first = try apply(harness(), batch, seed: 5)
        #expect(try apply(harness(), batch, seed: 5) == first)
        #expect(try apply(harness(), batch, seed: 6) != first)
    }

    @Test func leavesEmptyBatchesAlone() throws {
        let empty = TensorValue([0, 5], int64s: [])
        #expect(try apply(harness(), empty) == ([], []))
    }

    @Test func takesTheInputThatIsNamed() throws {
        let transform = try harness(["input": "b", "share": 1, "mask_share": 1, "random_share": 0], texts: ["a", "b"])
        let words = tokens([[4, 5]])
        let (inputs, target) = try transform.apply(inputs: [("a", words), ("b", words)], target: words)
        #expect(inputs.map { $0.elements(as: Int64.self) } == [[4, 5], [1, 1]])
        #expect(target?.elements(as: Int64.self) == [4, 5])
    }

    @Test func refusesWhatItCannotHide() throws {
        let words = tokens([[4, 5]])
        func expect(
            _ text: String, _ attributes: JSONObject = [:], words list: [String] = Self.words,
            texts: [String] = ["tokens"],
            inputs: [(name: String, value: TensorValue)]? = nil, target: TensorValue?
        ) {
            let error = #expect(throws: (any Error).self) {
                try harness(attributes, words: list, texts: texts).apply(
                    inputs: inputs ?? [("tokens", words)], target: target)
            }
            #expect("\(error as Any)".contains(text), "\(error as Any)")
        }
        expect("at most 1 together", ["mask_share": 0.9, "random_share": 0.2], target: words)
        expect("the target is missing", target: nil)
        expect("wanted int64 of shape [1, 2]", target: TensorValue([1], int64s: [1]))
        expect("wanted int64 of shape [1, 2]", target: TensorValue([1, 2], [1, 2]))
        expect("mask is 24, but the vocabulary of 'tokens' has 24 tokens", ["mask": 24], target: words)
        expect("has no input 'text'", ["input": "text"], target: words)
        expect("'other' is no text", ["input": "other"], inputs: [("other", words)], target: words)
        expect("none of the model's inputs 'tokens' is text", texts: [], target: words)
        expect("name one", texts: ["a", "b"], inputs: [("a", words), ("b", words)], target: words)
        expect("no token to hide", inputs: [("tokens", tokens([[2, 3, 0]]))], target: tokens([[2, 3, 0]]))
        expect("has no token <mask>, [MASK]", words: ["<pad>", "a", "b", "c", "d", "e"], target: words)
        let flat = TensorValue([2], int64s: [4, 5])
        expect("wanted tokens [N, time]", inputs: [("tokens", flat)], target: flat)
    }
}
