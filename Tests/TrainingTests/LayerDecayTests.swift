import LaminaHost
import Testing

@testable import LaminaTraining

/// Learning rates that fall from the output to the input.
@Suite(.serialized) struct LayerDecayTests {
    private let layers = """
        [ { core.dense: { units: 12 }, name: first }, core.relu, { core.dense: { units: 8 }, name: second }, core.relu,
          { core.dense: { units: 3 }, name: head } ]
        """

    private func floats(_ trainer: Trainer) -> [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: trainer.network.parameters.entries.map { entry in
                let values = entry.data.assumingMemoryBound(to: Float.self)
                return (entry.name, (0..<entry.shape.reduce(1, *)).map { values[$0] })
            })
    }

    @Test func factorsPerParameter() throws {
        let points = PointsFile(samples: 32)
        let driver = try trainer(
            points.recipe(layers: layers, optimizer: "core.sgd: { learning_rate: 0.1 }, layer_decay: 0.5")
        ).optimizer
        #expect(
            Dictionary(uniqueKeysWithValues: driver.learningRateFactors.map { ($0.parameter, $0.factor) }) == [
                "first.weight": 0.25, "first.bias": 0.25, "second.weight": 0.5, "second.bias": 0.5, "head.weight": 1,
                "head.bias": 1,
            ])
        let plain = try trainer(points.recipe(layers: layers, optimizer: "core.sgd: { learning_rate: 0.1 }")).optimizer
        #expect(plain.learningRateFactors.allSatisfy { $0.factor == 1 } && plain.learningRateFactors.count == 6)
    }

    /// A step of plain gradient descent is as long as the learning rate: halves are exact.
    @Test func aStepIsShorterByTheFactor() throws {
        let points = PointsFile(samples: 32)
        func change(_ more: String) throws -> [String: [Float]] {
            let trainer = try trainer(
                points.recipe(
                    layers: layers, optimizer: "core.sgd: { learning_rate: 0.25 }\(more)",
                    train: "epochs: 1, batch: 32, seed: 2"))
            for entry in trainer.network.parameters.entries where entry.name.hasSuffix("bias") {
                // From 0 on, the change is the value itself.
                entry.data.initializeMemory(as: Float.self, repeating: 0, count: entry.shape[0])
            }
            _ = try trainer.run(Watcher())
            return floats(trainer).filter { $0.key.hasSuffix("bias") }
        }
        let (whole, decayed) = try (change(""), change(", layer_decay: 0.5"))
        let grouped = try change(", layer_decay: 0.5, groups: [ { match: \"first.*\", learning_rate: 0.5 } ]")
        for (name, factor, groupFactor) in [("first", 0.25, 0.5), ("second", 0.5, 0.5), ("head", 1, 1)] {
            let values = whole[name + ".bias"]!
            #expect(values.contains { $0 != 0 })
            #expect(decayed[name + ".bias"] == values.map { $0 * Float(factor) }, "\(name)")
            #expect(grouped[name + ".bias"] == values.map { $0 * Float(groupFactor) }, "\(name)")
        }
    }

    @Test func aDecayOfOneChangesNoBit() throws {
        let points = PointsFile(samples: 100)
        func train(_ more: String) throws -> [UInt8] {
            let trainer = try trainer(
                points.recipe(
                    layers: layers,
                    optimizer: "core.adamw: { learning_rate: 0.01, weight_decay: 0.1 }, clip_norm: 1\(more)"))
            _ = try trainer.run(Watcher())
            return bits(trainer)
        }
        let plain = try train("")
        #expect(try train(", layer_decay: 1") == plain)
        #expect(try train(", layer_decay: 0.9") != plain)
    }

    @Test(arguments: [1, 9])
    func aResumedRunIsTheSameRun(stopAfter: Int) throws {
        let points = PointsFile(samples: 100)
        let recipe = try points.recipe(
            layers: layers,
            optimizer: "core.adamw: { learning_rate: 0.01, weight_decay: 0.1 }, layer_decay: 0.75, clip_norm: 0.5, "
                + "schedule: core.cosine, groups: [ { match: no_decay, weight_decay: 0 } ]",
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
    }
}
