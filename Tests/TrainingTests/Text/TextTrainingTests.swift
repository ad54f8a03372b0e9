import CAllocationCounter
import LaminaHost
import LaminaRecipe
import Testing

@testable import LaminaTraining

@Suite(.serialized) struct TextTrainingTests {
    @Test func theLossFalls() throws {
        let file = TextFile.classes(400)
        let trainer = try trainer(file.recipe(train: "epochs: 6, batch: 16, seed: 5, validate: 0.2, bucket: 4"))
        let watcher = Watcher()
        #expect(try trainer.run(watcher) == .finished)
        #expect(watcher.records.last!.values.first { $0.name == "validation_accuracy" }!.value > 0.9)
        #expect(watcher.records.last!.trainLoss < 0.5 * watcher.records.first!.trainLoss)
    }

    /// What validation is to tell is how the model does on texts that nothing was learned from.
    @Test(arguments: ["maximum: 10", "maximum: 2, too_long: skip"])
    func noVocabularyFromWhatIsHeldBack(entry: String) throws {
        let rows = (0..<100).map { "w\($0)\($0 % 5 == 0 ? " more and more" : "")\tc\($0 % 2)\n" }
        let file = TextFile("words\tclass\n" + rows.joined())
        let trainer = try trainer(
            file.recipe(entry: entry, train: "epochs: 1, batch: 16, seed: 3, validate: 0.2", words: 128))
        let data = trainer.trainingData
        let split = try #require(try data.split(trainer.recipe.training))
        #expect(split.training == trainer.samples)
        #expect((split.training + split.validation).sorted() == (0..<Int64(data.count)).map { $0 })
        for (part, isKnown) in [(split.training, true), (split.validation, false)] {
            #expect(part.count > 10)
            // Words that are in no vocabulary have the id 1.
            let ids = try data.batch(part).inputs[0]
            let first = ids.rows.map { $0[0] }
            #expect(first.allSatisfy { ($0 > 1) == isKnown })
        }
    }

    @Test(arguments: [1, 5, 13, 14, 20])
    func aResumedRunIsTheSameRun(stopAfter: Int) throws {
        let file = TextFile.classes(200)
        let recipe = try file.recipe(train: "epochs: 2, batch: 16, seed: 11, bucket: 3")
        let whole = try trainer(recipe)
        _ = try whole.run(Watcher())
        let first = try trainer(recipe)
        #expect(try first.run(Watcher(stopAfter: stopAfter)) == .interrupted)
        Runtime.shared.isCancelled = false
        let second = try trainer(recipe)
        try copy(first, to: second)
        #expect(try second.run(Watcher()) == .finished)
        #expect(bits(second) == bits(whole))
    }

    @Test func aResumedRunKeepsItsTexts() throws {
        let file = TextFile.classes(60)
        let first = try trainer(file.recipe())
        #expect(try first.run(Watcher(stopAfter: 2)) == .interrupted)
        Runtime.shared.isCancelled = false
        let other = try trainer(file.recipe(entry: "maximum: 9"))
        let error = #expect(throws: TrainingError.self) { try copy(first, to: other) }
        #expect(error?.text.contains("'data.text' is not that of the checkpoint") == true)
        let bucketed = try trainer(file.recipe(train: "epochs: 2, batch: 16, seed: 3, bucket: 2"))
        let change = #expect(throws: TrainingError.self) { try copy(first, to: bucketed) }
        #expect(change?.text.contains("bucket: null, the recipe now says 2") == true)
    }

    @Test func bucketsHoldTextsOfLikeLength() throws {
        let file = TextFile.classes(205, longest: 40)
        let recipe = try file.recipe(entry: "round: 1", train: "epochs: 1, batch: 10, seed: 7, bucket: 5")
        let trainer = try trainer(recipe)
        let data = trainer.trainingData
        let order = trainer.order(0)
        #expect(order.sorted() == (0..<205).map { $0 })
        #expect(trainer.order(0) == order)
        #expect(trainer.order(1) != order)
        #expect(try TextTrainingTests().order(file, "epochs: 1, batch: 10, seed: 8, bucket: 5") != order)
        /// Steps of padding and tokens together, summed over batches.
        func steps(_ order: [Int64]) -> Int {
            stride(from: 0, to: order.count, by: 10).reduce(0) { sum, start in
                let batch = order[start..<min(start + 10, order.count)]
                return sum + batch.count * batch.map { data.length($0)! }.max()!
            }
        }
        let plain = SampleOrder.epoch(trainer.samples, 0, shuffles: true, seed: 7)
        let tokens = plain.reduce(0) { $0 + data.length($1)! }
        #expect(steps(order) - tokens < (steps(plain) - tokens) / 3)
        // Batches come in no order of their lengths, and each is one of the windows' sorted pieces.
        let firsts = stride(from: 0, to: 200, by: 10).map { data.length(order[$0])! }
        #expect(firsts != firsts.sorted())
        for start in stride(from: 0, to: 200, by: 10) {
            let lengths = order[start..<start + 10].map { data.length($0)! }
            #expect(lengths == lengths.sorted())
        }
        // The last batch is the smaller one, from the last window.
        #expect(Set(order.suffix(5)).isSubset(of: plain.suffix(5)))
        // Without shuffling, windows are sorted and stay in place.
        let still = SampleOrder.bucketed(
            Array(0..<205), 0, bucket: 5, batch: 10, shuffles: false, seed: 7, length: data.length)
        #expect(Set(still.prefix(50)) == Set(0..<50))
    }

    private func order(_ file: TextFile, _ train: String) throws -> [Int64] {
        try trainer(file.recipe(entry: "round: 1", train: train)).order(0)
    }

    /// Loss and metrics do not depend on how samples were put together.
    @Test func evaluationIsInOrderOfLength() throws {
        let file = TextFile.classes(100, longest: 30)
        let trainer = try trainer(file.recipe(entry: "round: 8"))
        let evaluator = try Evaluator(
            trainer.network, trainer.trainingData, metrics: trainer.recipe.metrics, batchSize: 7)
        let first = try evaluator.run()
        let other = try Evaluator(
            trainer.network, trainer.trainingData, metrics: trainer.recipe.metrics, batchSize: 100
        ).run()
        #expect(first.samples == 100)
        #expect(first.values.map(\.name) == ["accuracy"])
        // The mean over padded rows depends on their length, which depends on the batch: close, not equal.
        #expect(abs(first.loss! - other.loss!) < 0.2)
    }
}
