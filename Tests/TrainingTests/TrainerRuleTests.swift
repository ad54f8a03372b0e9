import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import Testing

@testable import LaminaTraining

extension TrainerTests {
    /// Evaluation needs more memory than a step, which moves what the kept plan of a step points to.
    @Test func largeEvaluationsLeaveTrainingAlone() throws {
        let points = PointsFile(samples: 1200)
        func recipe(_ epochs: Int) throws -> Recipe {
            try points.recipe(train: "epochs: \(epochs), batch: 16, seed: 3, validate: 0.5")
        }
        let whole = try trainer(recipe(3))
        _ = try whole.run(Watcher())
        let first = try trainer(recipe(1))
        _ = try first.run(Watcher())
        let second = try trainer(recipe(3))
        try copy(first, to: second)
        _ = try second.run(Watcher())
        #expect(bits(second) == bits(whole))
        #expect(second.state.history.map(\.trainLoss) == whole.state.history.map(\.trainLoss))
        #expect(
            second.state.history.map { $0.values.map(\.value) } == whole.state.history.map { $0.values.map(\.value) })
    }

    @Test func metricsOfOneComponentHaveNamesOfTheirOwn() throws {
        let points = PointsFile(samples: 60)
        let trainer = try trainer(
            points.recipe(
                train: "epochs: 1, batch: 16, validate: 0.5",
                metrics: "core.top_k_accuracy: { k: 1 }, core.top_k_accuracy: { k: 3 }"))
        let watcher = Watcher()
        _ = try trainer.run(watcher)
        let values = watcher.records[0].values
        #expect(values.map(\.name) == ["validation_loss", "validation_top_k_accuracy", "validation_top_k_accuracy_2"])
        #expect(values[2].value == 1 && values[1].value < 1)
    }

    @Test func earlyStoppingWatchesAValueByName() throws {
        let points = PointsFile(samples: 120)
        func trainer(_ metric: String) throws -> Trainer {
            try TrainingTests.trainer(
                points.recipe(
                    train: "epochs: 2, batch: 16, validate: 0.5, early_stopping: { patience: 5, metric: \(metric) }",
                    metrics: "core.f1: { per_class: true }"))
        }
        let whole = try trainer("core.f1")
        _ = try whole.run(Watcher())
        let names = try #require(whole.lastEvaluation?.metrics[0].result.values.map(\.name).filter { !$0.isEmpty })
        for name in names {
            let one = try trainer("core.f1.\(name)")
            _ = try one.run(Watcher())
            let values = one.state.history.map { record in
                record.values.first { $0.name == "validation_f1_\(name)" }!.value
            }
            #expect(one.state.best == values.max())
        }
        let wrong = try trainer("core.f1.nothing")
        do {
            _ = try wrong.run(Watcher())
            Issue.record("a value that does not exist was watched")
        } catch let error as TrainingError {
            #expect(error.kind == .recipe)
            #expect(names.allSatisfy { error.text.contains("'core.f1.\($0)'") })
        }
    }

    @Test(arguments: [
        ("batch: 8", "batch"), ("batch: 16, accumulate: 2", "accumulate"), ("batch: 16, shuffle: false", "shuffle"),
        ("batch: 16, validate: 0.25", "validate"),
    ])
    func aRunIsResumedAsItBegan(change: (train: String, name: String)) throws {
        let points = PointsFile(samples: 120)
        let first = try trainer(points.recipe(train: "epochs: 4, batch: 16, seed: 1"))
        _ = try first.run(Watcher(stopAfter: 3))
        Runtime.shared.isCancelled = false
        let second = try trainer(points.recipe(train: "epochs: 9, seed: 1, \(change.train)"))
        let error = #expect(throws: TrainingError.self) { try second.resume(first.state) }
        #expect(error?.kind == .recipe && error?.text.contains("set train.\(change.name)=") == true)
    }

    @Test func betweenEpochsTheBatchMayChange() throws {
        let points = PointsFile(samples: 120)
        let first = try trainer(points.recipe(train: "epochs: 1, batch: 16, seed: 1"))
        _ = try first.run(Watcher())
        let second = try trainer(points.recipe(train: "epochs: 2, batch: 30, seed: 1"))
        try copy(first, to: second)
        #expect(try second.run(Watcher()) == .finished)
        #expect(second.state.step == 8 + 4)
        let others = PointsFile(samples: 120, seed: 2)
        let other = try trainer(others.recipe(train: "epochs: 2, batch: 16, seed: 1"))
        let error = #expect(throws: TrainingError.self) { try other.resume(first.state) }
        #expect(error?.text.contains("training data changed") == true)
    }

    /// The last step spoils the weights, and no loss is computed after it.
    @Test func noModelWithInfiniteWeightsIsHandedOn() throws {
        let points = PointsFile(samples: 32)
        let trainer = try trainer(
            points.recipe(optimizer: "core.sgd: { learning_rate: 3.0e38 }", train: "epochs: 1, batch: 32, seed: 2"))
        // Large gradients, yet a finite loss.
        for entry in trainer.network.parameters.entries where entry.name.hasSuffix("weight") {
            let values = entry.data.assumingMemoryBound(to: Float.self)
            for index in 0..<entry.shape.reduce(1, *) { values[index] *= 1000 }
        }
        let watcher = Watcher()
        do {
            _ = try trainer.run(watcher)
            Issue.record("a model with infinite weights counts as trained")
        } catch let error as TrainingError {
            #expect(error.kind == .diverged)
            #expect(error.text.contains("parameter 'dense_") && !error.text.contains("in in"))
        }
        #expect(watcher.records.isEmpty)
    }

    @Test func mappedWeightsAreNotTrained() throws {
        let points = PointsFile(samples: 32)
        let recipe = try points.recipe()
        let first = try trainer(recipe)
        let graph = first.network.graph
        let store = try ParameterStore(graph)
        try store.borrow(
            first.network.parameters.entries.map { ($0.name, $0.dtype, $0.shape, UnsafeRawPointer($0.data)) },
            owner: first)
        let error = #expect(throws: TrainingError.self) {
            try OptimizerDriver(#require(recipe.optimizer), Network(graph, store))
        }
        #expect(error?.text.contains("writable: true") == true)
    }

    @Test func theSplitOfARunCanBeMadeAgain() throws {
        let points = PointsFile(samples: 100)
        let recipe = try points.recipe(train: "epochs: 2, batch: 16, seed: 8, validate: 0.3")
        let trainer = try trainer(recipe)
        let watcher = Watcher()
        _ = try trainer.run(watcher)
        let parts = try #require(try recipe.training.split(100))
        #expect(parts.validation.count == 30 && (parts.training + parts.validation).sorted() == Array(0..<100))
        let result = try Evaluator(
            trainer.network, trainer.trainingData, metrics: recipe.metrics, samples: parts.validation, batchSize: 256
        ).run(seed: 8)
        #expect(result.loss == watcher.records.last!.values.first { $0.name == "validation_loss" }!.value)
    }
}
