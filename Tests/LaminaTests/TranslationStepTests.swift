#if canImport(GAN) && canImport(CNN) && canImport(Core) && canImport(Data)
    import CNN
    import Core
    import Data
    import Foundation
    import GAN
    import LaminaFormats
    import LaminaGraph
    import LaminaSDK
    import Testing

    @testable import Lamina

    /// The games of image translation: a step against PyTorch, and runs that are stopped and go on.
    @Suite(.serialized) struct TranslationStepTests {
        private static let registry: Registry = {
            let registry = Registry(folders: [])
            try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(CNNCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(GANCatalogue.plugin, to: out) }
            return registry
        }()

        private static func golden(_ name: String) -> String {
            #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
                + "/Golden/translation_\(name).safetensors"
        }

        private let temporary: TemporaryFolder
        private var folder: String { temporary.path }
        private var archive: String { folder + "m.lamina" }

        init() throws {
            temporary = try TemporaryFolder()
        }

        // MARK: Recipes

        private static func generator(_ name: String, dropout: Bool) -> String {
            """
              \(name):
                input: { name: image, shape: [1, 8, 8] }
                layers:
                  - cnn.conv2d: { filters: 3, kernel: 3, padding: 1 }
                    name: conv1
                  - core.leaky_relu: { slope: 0.2 }
            \(dropout ? "      - core.dropout: { rate: 0.3 }\n" : "")      - cnn.conv2d: { filters: 1, kernel: 3, padding: 1 }
                    name: conv2
                  - core.tanh

            """
        }

        private static func discriminator(_ name: String, isConditional: Bool) -> String {
            """
              \(name):
                input:
                  image: [1, 8, 8]
            \(isConditional ? "      condition: [1, 8, 8]\n" : "")    layers:
            \(isConditional ? "      - core.concat:\n        from: [condition, image]\n" : "")      - cnn.conv2d: { filters: 3, kernel: 4, stride: 2, padding: 1 }
                    name: conv1
                  - core.leaky_relu: { slope: 0.2 }
                  - cnn.conv2d: { filters: 1, kernel: 3, padding: 1 }
                    name: conv2

            """
        }

        private static func pix2pixNetworks(dropout: Bool = false) -> String {
            generator("generator", dropout: dropout) + discriminator("discriminator", isConditional: true)
        }

        private static func cycleNetworks(dropout: Bool = false) -> String {
            generator("a_to_b", dropout: dropout) + generator("b_to_a", dropout: dropout)
                + discriminator("discriminator_a", isConditional: false)
                + discriminator("discriminator_b", isConditional: false)
        }

        private func recipe(
            _ procedure: String, _ networks: String, data: String, optimizer: String, train: String
        ) throws -> Recipe {
            try Recipe.parse(
                """
                lamina: 1
                name: translation
                data:
                  train: { reader: data.safetensors, path: \(data) }
                  input: [input, turned]
                  transforms:
                    - data.rotate: { turns: 1 }
                      field: input
                      as: turned
                networks:
                \(networks)
                procedure:
                  gan.\(procedure)
                optimizer: { \(optimizer) }
                train: { \(train) }
                """, registry: Self.registry)
        }

        // MARK: A step

        @Test(arguments: ["pix2pix", "cyclegan"]) func aStepIsPyTorchs(_ name: String) throws {
            let path = Self.golden(name)
            let golden = try SafetensorsFile(path: path)
            func values(_ name: String) throws -> [Float] {
                let bytes = golden.bytes(of: try #require(golden.tensor(name), "\(name)"))
                return (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
            let training = try ProcedureTraining(
                recipe(
                    name + ": { samples: 1 }", name == "pix2pix" ? Self.pix2pixNetworks() : Self.cycleNetworks(),
                    data: path, optimizer: "core.sgd: { learning_rate: 1 }",
                    train: "epochs: 1, batch: 2, shuffle: false"), registry: Self.registry)
            let entries = Self.entries(training)
            #expect(entries.count == (name == "pix2pix" ? 8 : 16))
            for (name, data, count) in entries {
                let before = try values("before/" + name)
                #expect(before.count == count)
                data.update(from: before, count: count)
            }
            training.model.network.parametersChanged()
            for (_, network) in training.model.trainingNetworks { network.parametersChanged() }
            #expect(try training.start() == .finished)
            for (name, data, count) in entries {
                let (before, gradient) = (try values("before/" + name), try values("gradient/" + name))
                var (difference, size) = (0.0, 0.0)
                for index in 0..<count {
                    let change = Double(before[index]) - Double(data[index])
                    difference += (change - Double(gradient[index])) * (change - Double(gradient[index]))
                    size += Double(gradient[index]) * Double(gradient[index])
                }
                #expect((difference / size).squareRoot() < 2e-5, "\(name)")
            }
            withExtendedLifetime(training) {}
        }

        /// Names as "<network>.<parameter>", of all networks.
        private static func entries(
            _ training: ProcedureTraining
        ) -> [(name: String, data: UnsafeMutablePointer<Float>, count: Int)] {
            let published = training.driver.definition.published
            let prefix = published.count == 1 ? training.recipe.networks[published[0]].name + "." : ""
            let all =
                [(prefix, training.model.network)] + training.model.trainingNetworks.map { ($0.name + ".", $0.network) }
            return all.flatMap { prefix, network in
                network.parameters.entries.map { entry in
                    (
                        prefix + entry.name, entry.data.assumingMemoryBound(to: Float.self),
                        entry.shape.reduce(1, *)
                    )
                }
            }
        }

        // MARK: Going on

        private final class Watcher: ProcedureObserver {
            var steps = 0
            var stopAfter = Int.max
            var pictures: [String: [UInt8]] = [:]
            var values: [String: Double] = [:]

            func stepEnded(_ progress: ProcedureTraining.Progress) {
                steps += 1
                if steps == stopAfter { Runtime.shared.isCancelled = true }
                for (name, value) in progress.values { values[name] = value }
            }
            func sample(_ name: String, _ bytes: UnsafeRawBufferPointer) { pictures[name] = Array(bytes) }
            func epochEnded(_ record: EpochRecord, _ training: ProcedureTraining) {}
        }

        /// Seven images, of which an epoch of three batches leaves one; with dropout, Adam, and a buffer that is soon full.
        private func training(_ name: String, resume: Bool = false) throws -> ProcedureTraining {
            let data = folder + "images.safetensors"
            if !FileManager.default.fileExists(atPath: data) {
                let values: [Float] = (0..<7 * 64).map { index in
                    let step = (31 * index * index + 7 * index) % 101
                    return Float(step) / 50 - 1
                }
                let header = #"{"input":{"dtype":"F32","shape":[7,1,8,8],"data_offsets":[0,\#(values.count * 4)]}}"#
                var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Foundation.Data($0) }
                bytes.append(contentsOf: header.utf8)
                values.withUnsafeBytes { bytes.append(contentsOf: $0) }
                try bytes.write(to: URL(fileURLWithPath: data))
            }
            let isPair = name == "pix2pix"
            let attributes = isPair ? "samples: 2" : "samples: 3, buffer: 3"
            return try ProcedureTraining(
                recipe(
                    name + ": { \(attributes) }",
                    isPair ? Self.pix2pixNetworks(dropout: true) : Self.cycleNetworks(dropout: true), data: data,
                    optimizer: "core.adam: { learning_rate: 0.01 }", train: "epochs: 3, batch: 2, seed: 5"),
                archive: archive, resume: resume, registry: Self.registry)
        }

        /// Every bit that training goes on from.
        private func bits(_ training: ProcedureTraining) -> [String: [UInt8]] {
            defer { withExtendedLifetime(training) {} }
            var all: [String: [UInt8]] = [:]
            for (name, data, count) in Self.entries(training) {
                all[name] = Array(UnsafeRawBufferPointer(start: data, count: 4 * count))
            }
            let states = training.driver.states.map { ($0.name, $0.dtype, $0.shape, $0.data) }
            for (name, dtype, shape, data) in states + (training.driver.networks?.optimizerStates ?? []) {
                all[name] = Array(UnsafeRawBufferPointer(start: data, count: shape.reduce(dtype.size, *)))
            }
            return all
        }

        @Test(arguments: ["pix2pix", "cyclegan"]) func aResumedRunHasTheSameBits(_ name: String) throws {
            let (whole, seen) = (try training(name), Watcher())
            #expect(try whole.start(seen) == .finished)
            let wanted = bits(whole)
            #expect(wanted.count == (name == "pix2pix" ? 8 + 2 + 16 : 16 + 4 + 32))
            #expect(seen.steps == 9 && seen.pictures.keys.sorted() == (1...3).map { "epoch-000\($0).png" })
            #expect(seen.pictures.values.allSatisfy { $0.starts(with: [0x89, 0x50, 0x4E, 0x47]) })
            let isPair = name == "pix2pix"
            #expect(
                Set(isPair ? ["l1", "d_real"] : ["cycle_a", "identity_b", "b_d_fake"]).isSubset(of: seen.values.keys))
            for stopAfter in [1, 4, 6] {
                let watcher = Watcher()
                watcher.stopAfter = stopAfter
                #expect(try training(name).start(watcher) == .interrupted)
                let (second, rest) = (try training(name, resume: true), Watcher())
                #expect(try second.start(rest) == .finished)
                #expect(bits(second) == wanted)
                // The pictures go on with the same examples.
                #expect(rest.pictures["epoch-0003.png"] == seen.pictures["epoch-0003.png"])
            }
        }

        @Test func aCycleMakesAModelOfBothGenerators() throws {
            try training("cyclegan").start()
            let model = try Model.open(archive, registry: Self.registry)
            #expect(model.graph.definition.inputs.map(\.name) == ["a_to_b.image", "b_to_a.image"])
            #expect(model.archive?.contains("assets/translation.json") == true)
            #expect(try model.selfTest() == 1)
        }

        // MARK: Refusals

        private func refuses(_ text: String, _ procedure: String, _ networks: String) throws {
            let recipe = try recipe(
                procedure, networks, data: Self.golden("pix2pix"), optimizer: "core.sgd: { learning_rate: 1 }",
                train: "epochs: 1, batch: 2")
            let error = #expect(throws: LaminaError.self) {
                try ProcedureTraining(recipe, registry: Self.registry)
            }
            #expect(error?.description.contains(text) ?? false, "\(error?.description ?? "")")
        }

        /// What is sought is the source's field, not the one that is made of it.
        @Test func madeFieldsNameTheirs() throws {
            var recipe = try recipe(
                "pix2pix", Self.pix2pixNetworks(), data: Self.golden("pix2pix"),
                optimizer: "core.sgd: { learning_rate: 1 }", train: "epochs: 1, batch: 2")
            recipe.data!.transforms[0].field = "inptu"
            let error = #expect(throws: LaminaError.self) { try ProcedureTraining(recipe, registry: Self.registry) }
            let text = error?.description ?? ""
            #expect(
                text.contains("has no field 'inptu' for the ") && text.contains(", of which 'turned' is made"),
                "\(text)")
            #expect(text.contains("did you mean 'input'?"), "\(text)")
        }

        @Test func networksHaveToFit() throws {
            let networks = Self.pix2pixNetworks()
            try refuses(
                "takes a condition of shape [2, 8, 8], but the sources are [1, 8, 8]", "pix2pix",
                networks.replacing("condition: [1, 8, 8]", with: "condition: [2, 8, 8]"))
            try refuses(
                "beside them perhaps one of numbers called 'condition'", "pix2pix",
                networks.replacing("condition", with: "other"))
            try refuses("the recipe has no network 'a_to_b' for cyclegan", "cyclegan", networks)
            let cycle = Self.cycleNetworks()
            try refuses(
                "network 'a_to_b' makes images of shape [2, 8, 8], network 'discriminator_b' takes [1, 8, 8]",
                "cyclegan",
                cycle.replacing("filters: 1, kernel: 3", with: "filters: 2, kernel: 3", maxReplacements: 1))
        }
    }
#endif
