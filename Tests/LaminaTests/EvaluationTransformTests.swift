import Core
import Data
import LaminaSDK
import Testing

@testable import Lamina

/// Batch transforms that make the task itself: validation and evaluation are changed as training is.
@Suite struct EvaluationTransformTests {
    /// Turns every label into 1, in training alone.
    private final class Ones: BatchTransform {
        static let name = "ones"
        static let documentation = "Turns every label into 1."

        init(_ attributes: Attributes) {}
        func apply(_ batch: TrainingBatch, host: Host) { EvaluationTransformTests.setOnes(batch) }
    }

    private final class OnesEverywhere: BatchTransform {
        static let name = "ones_everywhere"
        static let documentation = "Turns every label into 1, those that are evaluated, too."
        static let changesEvaluation = true

        init(_ attributes: Attributes) {}
        func apply(_ batch: TrainingBatch, host: Host) { EvaluationTransformTests.setOnes(batch) }
    }

    private static func setOnes(_ batch: TrainingBatch) {
        let target = batch.target!
        for index in 0..<target.count { target.int64s[index] = 1 }
    }

    private static let registry: Registry = {
        let registry = Registry(folders: [])
        try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
        try! registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
        try! registry.add { _, out in
            let components: [Component] = [.batchTransform(Ones.self), .batchTransform(OnesEverywhere.self)]
            return Plugin.export(
                Plugin(
                    id: "labels", name: "Labels", version: "1.0.0", license: "Apache-2.0", documentation: "Labels.",
                    components: components), to: out)
        }
        return registry
    }()

    private func train(_ transform: String) throws -> TrainingRun {
        let recipe = try Recipe.parse(
            """
            lamina: 1
            data:
              train: { reader: data.random, count: 200, shape: [3], classes: 2 }
              test: { reader: data.random, count: 100, shape: [3], classes: 2, seed: 1 }
            model: { input: [3], layers: [ core.dense: { units: 2 } ] }
            loss: core.cross_entropy
            metrics: [ core.accuracy ]
            optimizer: { core.sgd: { learning_rate: 1 } }
            train: { epochs: 3, batch: 10, seed: 1, validate: 0.2, batch_transforms: [ \(transform) ] }
            """, registry: Self.registry)
        let run = try TrainingRun(recipe, registry: Self.registry)
        try run.start()
        return run
    }

    @Test func changeWhatIsMeasured() throws {
        let everywhere = try train("labels.ones_everywhere")
        let training = try train("labels.ones")
        // Both have learned to say 1; only the one is also asked for it.
        for split in [Model.Split.validation, .test] {
            let (changed, plain) = (
                try everywhere.model.evaluate(on: split), try training.model.evaluate(on: split)
            )
            #expect(changed.values[0].value == 1)
            #expect(changed.loss! < 0.1)
            #expect(plain.values[0].value < 0.8 && plain.values[0].value > 0.2)
            #expect(plain.loss! > 0.5)
        }
        func loss(_ run: TrainingRun) -> Double {
            run.trainer.state.history.last!.values.first { $0.name == "validation_loss" }!.value
        }
        #expect(loss(everywhere) < 0.1)
        #expect(loss(training) > 0.5)
    }
}
