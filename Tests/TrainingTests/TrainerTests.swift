import CAllocationCounter
import LaminaFormats
import LaminaHost
import Testing

@testable import LaminaTraining

/// One at a time: the thread count, the stop flag and the allocation counter belong to the process.
@Suite(.serialized) struct TrainerTests {
    @Test func theLossFalls() throws {
        let points = PointsFile(samples: 300)
        let trainer = try trainer(points.recipe(train: "epochs: 8, batch: 16, seed: 5, validate: 0.2"))
        let watcher = Watcher()
        #expect(try trainer.run(watcher) == .finished)
        let losses = watcher.records.map(\.trainLoss)
        #expect(losses.count == 8)
        #expect(losses.last! < 0.7 * losses.first!)
        let accuracy = watcher.records.last!.values.first { $0.name == "validation_accuracy" }!.value
        #expect(accuracy > 0.8)
    }

    @Test func seedAndThreadsDecideEveryBit() throws {
        let points = PointsFile(samples: 200)
        let before = Runtime.shared.threadCount
        defer { Runtime.shared.threadCount = before }
        let layers = "[ core.dense: { units: 64 }, core.relu, core.dropout: { rate: 0.3 }, core.dense: { units: 3 } ]"
        func train(_ threads: Int, seed: Int) throws -> [UInt8] {
            Runtime.shared.threadCount = threads
            let trainer = try trainer(points.recipe(layers: layers, train: "epochs: 2, batch: 32, seed: \(seed)"))
            _ = try trainer.run(Watcher())
            return bits(trainer)
        }
        let first = try train(1, seed: 3)
        #expect(try train(2, seed: 3) == first)
        #expect(try train(3, seed: 3) == first)
        #expect(try train(2, seed: 4) != first)
    }

    @Test(arguments: [1, 7, 12, 13, 25])
    func aResumedRunIsTheSameRun(stopAfter: Int) throws {
        let points = PointsFile(samples: 200)
        let layers = "[ core.dense: { units: 12 }, core.dropout: { rate: 0.2 }, core.relu, core.dense: { units: 3 } ]"
        let recipe = try points.recipe(
            layers: layers, optimizer: "core.adam: { learning_rate: 0.01 }, schedule: core.cosine, clip_norm: 0.5",
            train: "epochs: 3, batch: 16, seed: 11")
        let whole = try trainer(recipe)
        _ = try whole.run(Watcher())

        let first = try trainer(recipe)
        #expect(try first.run(Watcher(stopAfter: stopAfter)) == .interrupted)
        Runtime.shared.isCancelled = false
        let second = try trainer(recipe)
        try copy(first, to: second)
        #expect(try second.run(Watcher()) == .finished)
        #expect(bits(second) == bits(whole))
        #expect(second.state.history.map(\.trainLoss) == whole.state.history.map(\.trainLoss))
    }

    /// A batch in four parts gives the gradient of the whole batch, up to rounding.
    @Test func accumulatingEqualsALargerBatch() throws {
        let points = PointsFile(samples: 64)
        let optimizer = "core.sgd: { learning_rate: 0.1 }"
        let large = try trainer(
            points.recipe(optimizer: optimizer, train: "epochs: 2, batch: 64, seed: 2, shuffle: false"))
        let parts = try trainer(
            points.recipe(optimizer: optimizer, train: "epochs: 2, batch: 16, accumulate: 4, seed: 2, shuffle: false"))
        _ = try large.run(Watcher())
        _ = try parts.run(Watcher())
        #expect(large.state.step == 2 && parts.state.step == 2)
        for (a, b) in zip(large.network.parameters.entries, parts.network.parameters.entries) {
            let (x, y) = (a.data.assumingMemoryBound(to: Float.self), b.data.assumingMemoryBound(to: Float.self))
            for index in 0..<a.shape.reduce(1, *) { #expect(abs(x[index] - y[index]) < 1e-5) }
        }
    }

    @Test func aSteadyStepAllocatesNothing() throws {
        let points = PointsFile(samples: 3200)
        let layers = "[ core.dense: { units: 64 }, core.relu, core.dropout: { rate: 0.1 }, core.dense: { units: 3 } ]"
        let trainer = try trainer(points.recipe(layers: layers, train: "epochs: 1, batch: 16, seed: 2"))
        #expect(try allocations(of: trainer, steps: 100) == 0)
    }

    #if canImport(CNN)
        /// oneDNN makes a table of arguments in every call and frees it before it returns: that is not counted, but may
        /// not stay either.
        @Test func aSteadyConvolutionStepAllocatesNothing() throws {
            let points = PointsFile(samples: 1600)
            let layers = """
                [ core.reshape: { shape: [2, 2, 2] }, cnn.conv2d: { filters: 8, kernel: 3, padding: same }, core.batch_norm2d,
                  core.relu, cnn.max_pool2d: { size: 2 }, core.flatten, core.dense: { units: 3 } ]
                """
            let trainer = try trainer(points.recipe(layers: layers, train: "epochs: 1, batch: 16, seed: 2"))
            try #require(lamina_allocation_exempt("libdnnl.so") == 1 && lamina_allocation_exempt("libstdc++.so") == 1)
            #expect(try allocations(of: trainer, steps: 50) == 0)
        }
    #endif

    /// How often whole steps, reading ahead included, call malloc once they are steady; and that none of it stays.
    private func allocations(of trainer: Trainer, steps: Int) throws -> Int64 {
        let order = (0..<Int64(trainer.trainingData.count)).map { $0 }
        return try order.withUnsafeBufferPointer { order in
            let loader = BatchLoader(
                [try Batch(trainer.trainingData, capacity: 16), try Batch(trainer.trainingData, capacity: 16)],
                indices: order, batchSize: 16, isTraining: true, seed: 1, firstStep: 0)
            defer { loader.stop() }
            for _ in 0..<20 { _ = try trainer.step(loader) }
            let (calls, bytes) = (lamina_allocation_count(), lamina_heap_in_use())
            for _ in 0..<steps { _ = try trainer.step(loader) }
            let made = lamina_allocation_count() - calls
            #expect(lamina_heap_in_use() <= bytes)
            return made
        }
    }

    @Test func aNaNNamesTheFirstNodeThatMadeIt() throws {
        let points = PointsFile(samples: 64)
        let trainer = try trainer(
            points.recipe(optimizer: "core.sgd: { learning_rate: 1.0e30 }", train: "epochs: 5, batch: 16, seed: 2"))
        do {
            _ = try trainer.run(Watcher())
            Issue.record("training with a learning rate of 1e30 went on")
        } catch let error as TrainingError {
            #expect(error.kind == .diverged)
            #expect(error.text.contains("the first value that is not finite is in"))
            #expect(error.text.contains("dense_"))
        }
    }

    @Test func earlyStoppingEndsTheRun() throws {
        let points = PointsFile(samples: 120)
        let trainer = try trainer(
            points.recipe(
                optimizer: "core.sgd: { learning_rate: 1.0e-12 }",
                train:
                    "epochs: 50, batch: 16, seed: 2, validate: 0.25, early_stopping: { patience: 2, minimum_change: 0.01 }"
            ))
        let watcher = Watcher()
        #expect(try trainer.run(watcher) == .stoppedEarly)
        #expect(watcher.records.count == 3)
    }

    @Test func clippingLimitsTheStep() throws {
        let points = PointsFile(samples: 32)
        let optimizer = "core.sgd: { learning_rate: 1.0 }, clip_norm: 1.0e-3"
        let trainer = try trainer(points.recipe(optimizer: optimizer, train: "epochs: 1, batch: 32, seed: 2"))
        let before = trainer.network.parameters.entries.map { entry in
            Array(
                UnsafeBufferPointer(
                    start: entry.data.assumingMemoryBound(to: Float.self), count: entry.shape.reduce(1, *)))
        }
        _ = try trainer.run(Watcher())
        var sum = 0.0
        for (entry, old) in zip(trainer.network.parameters.entries, before) {
            let values = entry.data.assumingMemoryBound(to: Float.self)
            for index in old.indices { sum += Double(values[index] - old[index]) * Double(values[index] - old[index]) }
        }
        #expect(abs(sum.squareRoot() - 1e-3) < 2e-5)
    }
}
