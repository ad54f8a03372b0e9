import LaminaHost
import LaminaRecipe
import Testing

@testable import LaminaTraining

@Suite(.serialized) struct TextStreamTests {
    private let file = TextFile("one two three\nfour five six seven\n\neight nine\nten one two\n", ending: "txt")

    private func recipe(_ entry: String, train: String = "batch: 2, seed: 1") throws -> Recipe {
        try textRecipe(
            """
            data:
              train: { reader: data.text_file, path: "\(file.path)" }
              text: { text: { tokenizer: data.words, \(entry) } }
            model:
              layers:
                - core.embedding: { count: 20, dimension: 8 }
                - core.dense: { units: 20 }
            loss: { core.cross_entropy: { class_axis: -1 } }
            optimizer: { core.adam: { learning_rate: 0.05 } }
            train: { \(train) }
            """)
    }

    /// All windows of all lanes, cut out of the whole stream one by one.
    @Test(arguments: [(1, 1), (1, 4), (2, 2), (3, 1), (4, 2), (5, 50)])
    func windowsAreThoseOfTheStream(steps: Int, lanes wanted: Int) throws {
        let data = try Dataset(recipe("stream: \(steps), end: true"), lanes: wanted)
        let tokenizer = try #require(data.tokenizers["text"])
        var stream: [Int64] = []
        for line in ["one two three", "four five six seven", "eight nine", "ten one two"] {
            stream += try tokenizer.encode(line).map { Int64($0) } + [3]
        }
        #expect(stream.count == 16)
        let lanes = try #require(data.lanes)
        #expect(lanes == min(wanted, 15 / steps))
        let length = 15 / lanes
        #expect(data.count == length / steps * lanes)
        for window in 0..<length / steps {
            let samples = (0..<Int64(lanes)).map { Int64(window * lanes) + $0 }
            let batch = try data.batch(samples)
            #expect(batch.continuesPrevious == (window > 0))
            for lane in 0..<lanes {
                let start = lane * length + window * steps
                #expect(batch.inputs[0].rows[lane] == Array(stream[start..<start + steps]))
                #expect(batch.target?.rows[lane] == Array(stream[start + 1..<start + steps + 1]))
            }
        }
    }

    @Test func trainsInOrder() throws {
        let trainer = try trainer(recipe("stream: 2", train: "epochs: 60, batch: 2, seed: 4"))
        #expect(trainer.batchSize == 2)
        #expect(trainer.order(3) == (0..<Int64(trainer.trainingData.count)).map { $0 })
        let watcher = Watcher()
        #expect(try trainer.run(watcher) == .finished)
        // Every word but one has a single successor in the stream.
        #expect(watcher.records.last!.trainLoss < 0.3)
    }

    /// Validation has the last windows of every lane.
    @Test func validationIsTheEnd() throws {
        let trainer = try trainer(recipe("stream: 1", train: "epochs: 1, batch: 2, seed: 4, validate: 0.5"))
        // 12 tokens, 2 lanes of 5 windows; 3 of them are held back (2.5, rounded away from zero).
        #expect(trainer.samples == [0, 1, 2, 3])
        let watcher = Watcher()
        _ = try trainer.run(watcher)
        #expect(watcher.records[0].values.map(\.name) == ["validation_loss"])
    }

    @Test func tooShort() throws {
        let error = #expect(throws: TrainingError.self) { try Dataset(recipe("stream: 12")) }
        #expect(
            error?.text == "the texts have 12 tokens, a stream of windows of 12 needs 13 or more: lower 'stream'")
        #expect(error?.kind == .data)
        #expect(try Dataset(recipe("stream: 11"), lanes: 8).count == 1)
    }
}
