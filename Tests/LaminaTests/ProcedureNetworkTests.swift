#if canImport(Core) && canImport(Data)

    import Core
    import Data
    import LaminaSDK
    import Testing

    import class Foundation.FileManager
    import func Foundation.NSTemporaryDirectory
    import struct Foundation.UUID

    @testable import Lamina

    // The example of SDK/Documentation/WritingAPlugin.md, as it stands there.
    final class Copy: Procedure {
        static let name = "copy"
        static let documentation = "Trains the network 'copy' to give back its input."
        private var pass: Pass?
        private var batches = 0

        init(_ attributes: Attributes, host: Host) {}

        func define(_ model: ProcedureModel) throws {
            guard let networks = model.networks, let copy = networks.index(of: "copy") else {
                throw PluginError.attribute("the recipe has no network 'copy' under 'networks:'")
            }
            try model.publish(copy)
            try model.addData("input", .float32, networks[copy].inputs[0].shape)
        }

        func start(_ run: ProcedureRun) throws {
            pass = try run.networks!.plan(0, batch: run.networks!.batch, [.training, .parameterGradients])
        }

        func step(_ run: ProcedureRun) throws -> ProcedureProgress {
            let (networks, pass) = (run.networks!, pass!)
            let batch = try networks.nextBatch()[0]
            pass.inputs[0].floats.update(from: batch.floats, count: batch.count)
            try networks.forward(pass)
            let (output, gradient) = (pass.outputs[0], pass.outputGradients[0])
            var loss = 0.0
            for index in 0..<output.count {  // ½ mean (y − x)²
                let difference = output.floats[index] - batch.floats[index]
                loss += Double(difference * difference) / Double(2 * output.count)
                gradient.floats[index] = difference / Float(output.count)
            }
            try networks.backward(pass)
            try networks.update(0)
            batches += 1
            var progress = ProcedureProgress()
            (progress.lossSum, progress.lossCount) = (loss, 1)
            progress.items = Double(networks.batch)
            progress.epochs = batches / networks.batchesPerEpoch()
            progress.fraction = Double(batches) / Double(networks.batchesPerEpoch() * run.epochs)
            progress.isFinished = progress.epochs >= run.epochs
            return progress
        }

        func save() throws -> String { #"{"batches": \#(batches)}"# }
        func restore(_ json: String, _ run: ProcedureRun) throws {
            batches = Int(json.filter(\.isNumber)) ?? 0
            try start(run)
        }
    }

    /// A procedure over networks of the recipe, from outside the families that ship: what the documentation's example does.
    @Suite(.serialized) struct ProcedureNetworkTests {
        nonisolated(unsafe) static let plugin = Plugin(
            id: "example", name: "Example", version: "1.0.0", license: "MIT", documentation: "A procedure.",
            components: [.procedure(Copy.self)])

        static let registry: Registry = {
            let registry = Registry()
            try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(plugin, to: out) }
            return registry
        }()

        private func recipe(epochs: Int, more: String = "") throws -> Recipe {
            try Recipe.parse(
                """
                lamina: 1
                name: copies
                data: { train: { reader: data.random, count: 100, shape: [6] } }
                networks:
                  copy:
                    input: [6]
                    layers: [ core.dense: { units: 5 }, core.tanh: {}, core.dropout: { rate: 0.1 }, core.dense: { units: 6 } ]
                procedure: example.copy
                optimizer: { core.adam: { learning_rate: 0.01 }\(more) }
                train: { epochs: \(epochs), batch: 16, seed: 2 }
                """, registry: Self.registry)
        }

        private func values(_ model: Model) -> [[Float]] {
            model.network.parameters.entries.map { entry in
                let count = entry.shape.reduce(1, *)
                return (0..<count).map { entry.data.assumingMemoryBound(to: Float.self)[$0] }
            }
        }

        @Test func learnsAndResumesToTheBit() throws {
            let folder = NSTemporaryDirectory() + "lamina-networks-\(UUID().uuidString)/"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let whole = try ProcedureTraining(recipe(epochs: 20), registry: Self.registry)
            #expect(try whole.start() == .finished)
            let losses = whole.state.history.map(\.trainLoss)
            #expect(losses.count == 20 && losses[19] < losses[0] * 0.6, "\(losses)")

            let path = folder + "m.lamina"
            try ProcedureTraining(recipe(epochs: 7), archive: path, registry: Self.registry).start()
            let resumed = try ProcedureTraining(
                recipe(epochs: 20), archive: path, resume: true, registry: Self.registry)
            #expect(resumed.state.epochs == 7)
            try resumed.start()
            #expect(values(resumed.model) == values(whole.model))
            #expect(resumed.state.history.map(\.trainLoss) == losses)
            let model = try Model.open(path, registry: Self.registry)
            #expect(try model.selfTest() == 1)
            #expect(model.archive?.manifest.files.contains { $0.path.hasPrefix("networks/") } == false)
        }

        /// The schedule's time is that of the batches that were read.
        @Test func schedulesFollowTheData() throws {
            let training = try ProcedureTraining(
                recipe(epochs: 2, more: ", schedule: core.cosine"), registry: Self.registry)
            var factors: [Double] = []
            for _ in 0..<12 { factors.append(try training.driver.step().learningRateFactor) }
            #expect(factors[0] == 1 && factors == factors.sorted(by: >) && factors[11] > 0 && factors[11] < 0.05)
        }

        @Test func otherDataAreRefused() throws {
            let folder = NSTemporaryDirectory() + "lamina-networks-\(UUID().uuidString)/"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let path = folder + "m.lamina"
            try ProcedureTraining(recipe(epochs: 1), archive: path, registry: Self.registry).start()
            func fault(_ change: (inout Recipe) -> Void) throws -> String {
                var changed = try recipe(epochs: 3)
                change(&changed)
                do {
                    _ = try ProcedureTraining(changed, archive: path, resume: true, registry: Self.registry)
                    return ""
                } catch {
                    return error.text
                }
            }
            #expect(try fault { $0.training.batch = 8 }.contains("batch: 16"))
            #expect(try fault { $0.training.shuffle = false }.contains("shuffle: true"))
            #expect(try fault { $0.data!.train.attributes["count"] = 200 }.contains("100 samples, now 200"))
            #expect(try fault { _ in } == "")
        }
    }

#endif
