#if canImport(GAN) && canImport(CNN) && canImport(Core) && canImport(Data)

    import CNN
    import Core
    import Data
    import Foundation
    import GAN
    import LaminaFormats
    import LaminaSDK
    import Testing

    @testable import Lamina

    /// One step of `gan.adversarial` beside PyTorch: with plain gradient descent, what parameters change by is their gradient.
    @Suite(.serialized) struct AdversarialStepTests {
        struct Case: CustomStringConvertible, Sendable {
            var name: String
            var procedure: String
            var classes = 0
            var hasNorm = true
            var description: String { name }
        }

        static let cases = [
            Case(name: "minimax", procedure: "loss: minimax"),
            Case(name: "non_saturating", procedure: "loss: non_saturating, smoothing: 0.1"),
            Case(name: "least_squares", procedure: "loss: least_squares, smoothing: 0.2"),
            Case(name: "hinge", procedure: "loss: hinge"),
            Case(name: "wasserstein", procedure: "loss: wasserstein, clip: 0.1, discriminator_steps: 2"),
            Case(
                name: "penalty", procedure: "loss: wasserstein, gradient_penalty: 10, discriminator_steps: 2",
                hasNorm: false),
            Case(name: "classes", procedure: "loss: non_saturating", classes: 3),
            Case(
                name: "classes_penalty", procedure: "loss: wasserstein, gradient_penalty: 10", classes: 3,
                hasNorm: false),
        ]

        static let registry: Registry = {
            let registry = Registry()
            try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(CNNCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(GANCatalogue.plugin, to: out) }
            return registry
        }()

        static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/adversarial.safetensors").path
        private static let rate: Float = 0.05

        @Test(arguments: cases) func equalsPyTorch(_ test: Case) throws {
            let file = try SafetensorsFile(path: Self.golden)
            let training = try ProcedureTraining(recipe(test), registry: Self.registry)
            let networks = [("generator", training.model.network)] + training.model.trainingNetworks
            for (part, network) in networks {
                for entry in network.parameters.entries.prefix(network.graph.parameters.count) {
                    let tensor = try #require(file.tensor("\(test.name).\(part).\(entry.name)"))
                    #expect(tensor.shape == entry.shape)
                    let bytes = file.bytes(of: tensor)
                    entry.data.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
                }
                network.parametersChanged()
            }
            let progress = try training.driver.step()
            #expect(progress.epochs == 1 && progress.isFinished)
            for (part, network) in networks {
                for entry in network.parameters.entries.prefix(network.graph.parameters.count) {
                    let before = file.floats("\(test.name).\(part).\(entry.name)")
                    let wanted = file.floats("\(test.name).change.\(part).\(entry.name)")
                    try #require(wanted.count == entry.shape.reduce(1, *) && wanted.count == before.count)
                    let after = entry.data.assumingMemoryBound(to: Float.self)
                    let scale = wanted.reduce(0) { max($0, abs($1)) }
                    for index in wanted.indices {
                        let change = (before[index] - after[index]) / Self.rate
                        // Parameters have 24 bits, of which the division by the rate leaves fewer.
                        #expect(
                            abs(change - wanted[index]) <= 1e-3 * scale + 4e-6,
                            "\(part).\(entry.name)[\(index)]: \(change), PyTorch has \(wanted[index])")
                    }
                }
            }
        }

        /// The networks of generate_adversarial.py, on its samples in their order.
        private func recipe(_ test: Case) throws -> Recipe {
            let label = test.classes > 0
            let inputs = label ? ", label: { shape: [], dtype: int64 }" : ""
            return try Recipe.parse(
                """
                lamina: 1
                data:
                  train:
                    reader: data.safetensors
                    path: \(Self.golden)
                    input: \(test.name).real
                    target: \(test.name).label
                networks:
                  generator:
                    input: { noise: [3]\(inputs) }
                    layers:
                \(label ? "    - { core.embedding: { count: 3, dimension: 2 }, name: embed, from: label }" : "")
                \(label ? "    - { core.concat: { axis: 1 }, name: joined, from: [noise, embed] }" : "")
                    - { core.reshape: { shape: [-1, 1, 1] }, from: \(label ? "joined" : "noise") }
                    - { cnn.conv_transpose2d: { filters: 4, kernel: 4 }, name: conv1 }
                    - { core.batch_norm2d: {}, name: norm }
                    - core.relu
                    - { cnn.conv_transpose2d: { filters: 1, kernel: 4, stride: 2, padding: 1 }, name: conv2 }
                    - core.tanh
                  discriminator:
                    input: { sample: [1, 8, 8]\(inputs) }
                    layers:
                \(label ? "    - { core.embedding: { count: 3, dimension: 64 }, name: embed, from: label }" : "")
                \(label ? "    - { core.reshape: { shape: [1, 8, 8] }, name: plane }" : "")
                \(label ? "    - { core.concat: { axis: 1 }, name: joined, from: [sample, plane] }" : "")
                    - { cnn.conv2d: { filters: 3, kernel: 4, stride: 2, padding: 1 }, name: conv1, from: \(label ? "joined" : "sample") }
                \(test.hasNorm ? "    - { core.batch_norm2d: {}, name: norm }" : "")
                    - core.leaky_relu: { slope: 0.2 }
                    - core.flatten
                    - { core.dense: { units: 1 }, name: head }
                procedure: { gan.adversarial: { \(test.procedure), samples: 2 } }
                optimizer: { core.sgd: { learning_rate: \(Self.rate) } }
                train: { batch: 4, seed: 5, shuffle: false }
                """, registry: Self.registry)
        }
    }

    extension SafetensorsFile {
        fileprivate func floats(_ name: String) -> [Float] {
            tensor(name).map { Array(bytes(of: $0).bindMemory(to: Float.self)) } ?? []
        }
    }

#endif
