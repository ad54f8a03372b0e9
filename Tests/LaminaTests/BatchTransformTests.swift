#if canImport(RNN)
    import Core
    import Data
    import Foundation
    import LaminaGraph
    import LaminaSDK
    import RNN
    import Testing

    @testable import Lamina

    /// Scheduled sampling through a training run: what the decoder is told, and what a resumed run makes of it.
    @Suite(.serialized) struct BatchTransformTests {
        private static let registry: Registry = {
            let registry = Registry(folders: [])
            try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(RNNCatalogue.plugin, to: out) }
            return registry
        }()

        private let temporary: TemporaryFolder
        private var folder: String { temporary.path }

        init() throws {
            temporary = try TemporaryFolder()
            // Words of two letters and how often they stand there: "ab ab" and "ab2".
            var lines = "given\twanted\n"
            for word in ["ab", "ba", "bb", "cab", "abc"] {
                for count in 1...6 {
                    lines += Array(repeating: word, count: count).joined(separator: " ") + "\t\(word)\(count)\n"
                }
            }
            try lines.write(toFile: folder + "pairs.tsv", atomically: true, encoding: .utf8)
        }

        private func recipe(
            transforms: String = "[]", context: String = "attention", cell: String = "lstm", epochs: Int = 2
        ) throws -> Recipe {
            try Recipe.parse(
                """
                lamina: 1
                data:
                  train: { reader: data.table, path: \(folder)pairs.tsv, text: [given, wanted] }
                  text:
                    source: { from: given, tokenizer: data.words, end: true, length: lengths }
                    shifted: { from: wanted, tokenizer: data.characters, begin: true }
                    target: { from: wanted, end: true }
                model:
                  layers:
                    - rnn.encoder_decoder:
                        { source_vocabulary: 16, target_vocabulary: 16, units: 12, cell: \(cell), context: \(context), dropout: 0.1 }
                      name: ""
                      from: [source, shifted, lengths]
                loss: { core.cross_entropy: { class_axis: -1, ignore_index: 0 } }
                optimizer: { core.adam: { learning_rate: 0.01 } }
                train: { epochs: \(epochs), batch: 8, seed: 4, batch_transforms: \(transforms) }
                """, registry: Self.registry)
        }

        private func run(_ recipe: Recipe, archive: String? = nil, resume: Bool = false) throws -> TrainingRun {
            try TrainingRun(recipe, archive: archive.map { folder + $0 }, resume: resume, registry: Self.registry)
        }

        private func tokens(_ tensor: PlannedTensor) -> [Int64] {
            Array(
                UnsafeBufferPointer(start: tensor.data.assumingMemoryBound(to: Int64.self), count: tensor.count))
        }

        /// With probability 0 of the true token, each token is what the whole network predicts for its place from the ones
        /// before; padding, the first token, the source and the target stay.
        @Test(arguments: [("attention", "lstm"), ("concatenated", "gru"), ("initial_state", "elman")])
        func predictionsTakeTheirPlace(context: String, cell: String) throws {
            let sampled = try recipe(
                transforms: "[ rnn.scheduled_sampling: { steps: 1 } ]", context: context, cell: cell)
            let run = try run(sampled)
            let model = run.model
            let whole = Network(model.graph, model.network.parameters)
            let transform = try #require(run.trainer.beforeBatch)
            var replaced = 0
            run.trainer.beforeBatch = { (moment: BatchMoment) throws(TrainingError) in
                let before = moment.inputs.map(tokens)
                let target = tokens(moment.target!)
                try transform(moment)
                #expect(tokens(moment.target!) == target)
                #expect(moment.inputs.map(\.name) == ["source", "lengths", "shifted"])
                #expect(tokens(moment.inputs[0]) == before[0] && tokens(moment.inputs[1]) == before[1])
                let after = tokens(moment.inputs[2])
                guard moment.step > 0 else {
                    #expect(after == before[2])
                    return
                }
                // The parameters change behind this network's back.
                whole.parametersChanged()
                let plan = try! whole.plan(PlanRequest(inputs: moment.inputs.map(\.shape)))
                for (input, planned) in zip(moment.inputs, plan.inputs) {
                    memcpy(planned.data, input.data, input.byteCount)
                }
                try! whole.forward(plan)
                let logits = plan.outputs[0]
                let (rows, steps) = (moment.inputs[2].shape[0], moment.inputs[2].shape[1])
                #expect(logits.shape == [rows, steps, 16])
                for row in 0..<rows {
                    #expect(after[row * steps] == before[2][row * steps])
                    for step in 1..<steps {
                        let (old, new) = (before[2][row * steps + step], after[row * steps + step])
                        if old == 0 {
                            #expect(new == 0)
                            continue
                        }
                        let values = logits.floats + (row * steps + step - 1) * 16
                        let best = (0..<16).map { values[$0] }.max()!
                        // Rows side by side or one step at a time round differently: near ties may fall either way.
                        #expect(values[Int(new)] >= best - 1e-5)
                        if new != old { replaced += 1 }
                    }
                }
            }
            try run.start()
            // A network that has hardly learned anything is mostly wrong.
            #expect(replaced > 20)
        }

        @Test func neverSamplingIsTheSameTraining() throws {
            let plain = try run(recipe(), archive: "plain.lamina")
            let never = try run(
                recipe(transforms: "[ rnn.scheduled_sampling: { steps: 3, floor: 1 } ]"), archive: "never.lamina")
            let often = try run(
                recipe(transforms: "[ rnn.scheduled_sampling: { steps: 3, choice: sample } ]"), archive: "often.lamina")
            for run in [plain, never, often] { try run.start() }
            func weights(_ run: TrainingRun) -> [[UInt8]] {
                run.model.network.parameters.entries.map { entry in
                    Array(UnsafeRawBufferPointer(start: entry.data, count: entry.shape.reduce(4, *)))
                }
            }
            #expect(weights(plain) == weights(never))
            #expect(weights(plain) != weights(often))
        }

        @Test func resumedRunsHaveTheSameBits() throws {
            let transforms = "[ rnn.scheduled_sampling: { decay: inverse_sigmoid, steps: 2, choice: sample } ]"
            try run(recipe(transforms: transforms, epochs: 4), archive: "whole.lamina").start()
            try run(recipe(transforms: transforms, epochs: 2), archive: "parts.lamina").start()
            try run(recipe(transforms: transforms, epochs: 4), archive: "parts.lamina", resume: true).start()
            func weights(_ name: String) throws -> [[UInt8]] {
                let model = try Model.open(folder + name, registry: Self.registry)
                return model.network.parameters.entries.map { entry in
                    Array(UnsafeRawBufferPointer(start: entry.data, count: entry.shape.reduce(4, *)))
                }
            }
            #expect(try weights("whole.lamina") == weights("parts.lamina"))
        }

        @Test func refusesWhatItCannotSample() throws {
            let other = try Recipe.parse(
                """
                lamina: 1
                data: { train: { reader: data.random, count: 8, shape: [3], classes: 2 } }
                model: { input: [3], layers: [ core.dense: { units: 2 } ] }
                loss: core.cross_entropy
                optimizer: core.sgd
                train: { epochs: 2, batch: 2, batch_transforms: [ rnn.scheduled_sampling: { steps: 1 } ] }
                """, registry: Self.registry)
            let error = #expect(throws: LaminaError.self) { try run(other).start() }
            #expect(error?.text.contains("only models of the block rnn.encoder_decoder") == true, "\(error as Any)")
            #expect(throws: RecipeError.self) { try recipe(transforms: "[ rnn.scheduled_sampling ]") }
            #expect(throws: RecipeError.self) { try recipe(transforms: "[ core.relu ]") }
        }

        /// What the recipe resolves to reads back equal.
        @Test func recipesKeepThem() throws {
            let recipe = try recipe(transforms: "[ rnn.scheduled_sampling: { steps: 9, floor: 0.25 } ]")
            let again = try Recipe.parse(recipe.json().text(), registry: Self.registry)
            #expect(again.training.batchTransforms == recipe.training.batchTransforms)
            #expect(again.training.batchTransforms.map(\.id) == ["rnn.scheduled_sampling"])
        }
    }
#endif
