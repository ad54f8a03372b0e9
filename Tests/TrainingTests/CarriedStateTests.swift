import Foundation
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import Testing

@testable import LaminaTraining

#if canImport(RNN)
    /// States that go on from window to window of a stream.
    @Suite(.serialized) final class CarriedStateTests {
        private let path = NSTemporaryDirectory() + "lamina-carry-\(UUID().uuidString).txt"

        deinit { try? FileManager.default.removeItem(atPath: path) }

        init() throws {
            // 4 lanes of 192 tokens, and the last one, which is only predicted.
            let words = (0..<600).map { ["ab", "ba", "cab", "abba", "acb"][$0 * $0 % 7 % 5] }
            try String(words.joined(separator: " ").prefix(4 * 192 + 1)).write(
                toFile: path, atomically: true, encoding: .utf8)
        }

        private func made(
            stream: Int, carries: Bool = true, train: String = "epochs: 2, batch: 4, seed: 3",
            shape: String = "[1, N, 6]"
        ) throws -> Recipe {
            try Recipe.parse(
                """
                lamina: 1
                data:
                  train: { reader: data.text_file, path: "\(path)" }
                  text:
                    text: { tokenizer: data.characters, stream: \(stream) }
                model:
                  layers:
                    - core.embedding: { count: 16, dimension: 5 }
                      from: text
                    - rnn.gru: { units: 6 }
                      name: gru
                      from: [embedding_1\(carries ? ", null, hidden" : "")]
                    - core.dense: { units: 16 }
                  \(carries ? "carry: { hidden: { shape: \(shape), from: \"gru:1\" } }" : "")
                loss:
                  core.cross_entropy: { class_axis: -1 }
                optimizer: { core.adam: { learning_rate: 0.01 } }
                train: { \(train) }
                """, registry: registry)
        }

        private func loss(_ recipe: Recipe) throws -> Double {
            let trainer = try trainer(recipe)
            let evaluator = try Evaluator(trainer.network, trainer.trainingData, metrics: [], batchSize: 4)
            let first = try evaluator.run().loss
            // The second run begins with zeros, too.
            #expect(try evaluator.run().loss == first)
            return try #require(first)
        }

        /// A state that no machine can hold is an error of the recipe.
        @Test func statesThatAreTooLarge() throws {
            var recipe = try made(stream: 8)
            let size = GraphDefinition.Size.fixed(1 << 40)
            recipe.model.carries[0].shape = [size, .symbol("N"), size]
            recipe.model.layers.append(
                .init(.init(kind: "layer", "core.relu"), name: "big", inputs: [Recipe.Link(.init("hidden"))]))
            recipe.model.layers[1].inputs = [Recipe.Link(.init("embedding_1"))]
            recipe.model.carries[0].link = .init(.init("big"))
            recipe.model.outputs = [.init("output", .init(.init("dense_1")))]
            let error = #expect(throws: (any Error).self) { try trainer(recipe) }
            #expect("\(error!)".contains("no tensor may have more than 2^40 elements"), "\(error!)")
        }

        /// Windows of a stream with the state between them are one long sequence.
        @Test func windowsWithStatesAreOneSequence() throws {
            for steps in [8, 64, 192] { #expect(try trainer(made(stream: steps)).trainingData.count == 768 / steps) }
            let whole = try loss(made(stream: 192))
            #expect(try abs(loss(made(stream: 8)) - whole) < 2e-6)
            #expect(try abs(loss(made(stream: 64)) - whole) < 2e-6)
            #expect(try abs(loss(made(stream: 8, carries: false)) - whole) > 1e-4)
        }

        @Test(arguments: [1, 3, 7]) func aResumedRunHasTheSameBits(stopAfter: Int) throws {
            for train in ["epochs: 2, batch: 4, seed: 3", "epochs: 2, batch: 4, seed: 3, accumulate: 2"] {
                let recipe = try made(stream: 8, train: train)
                let whole = try trainer(recipe)
                #expect(try whole.run(Watcher()) == .finished)
                let first = try trainer(recipe)
                #expect(try first.run(Watcher(stopAfter: stopAfter)) == .interrupted)
                Runtime.shared.isCancelled = false
                let second = try trainer(recipe)
                try copy(first, to: second)
                let states = try #require(first.carried?.states)
                #expect(states.map(\.name) == ["carry.hidden"] && states[0].shape == [1, 4, 6])
                for (from, to) in zip(states, second.carried!.states) {
                    to.data.copyMemory(from: from.data, byteCount: from.shape.reduce(4, *))
                }
                #expect(try second.run(Watcher()) == .finished)
                #expect(bits(second) == bits(whole))
            }
        }

        @Test func faults() throws {
            func text(_ body: () throws -> Void) -> String {
                do {
                    try body()
                    return "nothing was thrown"
                } catch { return "\(error)" }
            }
            #expect(
                text { _ = try trainer(made(stream: 8, shape: "[1, N, 7]")) }.contains("hidden"))
            #expect(
                text { _ = try made(stream: 8, shape: "[1, 6]") }.contains(
                    "'carry.hidden': the shape lacks N, the batch: every sample has a state of its own"))
            #expect(
                text { _ = try made(stream: 8, shape: "[1, T, 6]") }.contains(
                    "'carry.hidden': a dimension is an integer >= 1 or N, the batch, got"))
            // The recipe with states reads back as it was.
            let recipe = try made(stream: 8)
            #expect(try Recipe.parse(recipe.text(), registry: registry) == recipe)
            // The graph, too.
            let graph = try recipe.graph(registry)
            #expect(
                try GraphDefinition(json: graph.json) == graph
                    && graph.carries == [.init("hidden", from: "next_hidden")])
        }
    }
#endif
