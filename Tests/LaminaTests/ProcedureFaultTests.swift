#if canImport(Core) && canImport(Data)

    import Core
    import Data
    import Foundation
    import LaminaSDK
    import Testing

    @testable import Lamina

    /// A procedure over one network that stops, fails or asks the host for what it cannot have, as its attribute says.
    private final class Moody: Procedure {
        static let name = "moody"
        static let documentation = "Trains the network 'net' to give zeros."
        static let attributes: [AttributeSchema] = [
            .string(
                "mood", default: "",
                "cancel: a stop comes in the middle of step 5; late: a pass is planned in a step; shrug: an error of the host is "
                    + "ignored, an own one comes later, or handled before one; silent: it tells no items; flags, number: of a pass "
                    + "that cannot be; stale, twice: of a backward that cannot be; count, file: of what cannot be measured or "
                    + "written; targets, gap, none, publish: of what cannot be defined; judge: a model cannot read; "
                    + "prepare: one prepares (x - 1) / 2."
            ),
            .string("judge", default: "", "Path of a model to open."),
        ]
        private let mood: String
        private let judge: String
        private let host: LaminaSDK.Host
        private var pass: Pass?
        private var steps = 0

        init(_ attributes: Attributes, host: LaminaSDK.Host) {
            (mood, judge, self.host) = (attributes.string("mood"), attributes.string("judge"), host)
        }

        func define(_ model: ProcedureModel) throws {
            try model.publish(mood == "publish" ? 7 : 0)
            if mood != "none" { try model.addData("input", .float32, [6], stream: mood == "gap" ? 1 : 0) }
            for name in ["a", "b"] where mood == "targets" { try model.addData(name, .int64, [], isTarget: true) }
        }

        private func plan(_ networks: Networks) throws {
            pass = try networks.plan(0, batch: networks.batch, [.training, .parameterGradients])
        }

        func start(_ run: ProcedureRun) throws { if mood != "late" { try plan(run.networks!) } }

        func step(_ run: ProcedureRun) throws -> ProcedureProgress {
            let networks = run.networks!
            if pass == nil { try plan(networks) }
            switch mood {
            case "flags": _ = try networks.plan(0, batch: 1, .init(rawValue: 1 << 9))
            case "number": _ = try networks.plan(7, batch: 1, .training)
            case "shrug" where steps == 0: _ = try? networks.plan(0, batch: 1, .init(rawValue: 1 << 9))
            case "shrug" where steps == 2: throw PluginError.data("words of its own")
            case "handle":
                _ = try? networks.plan(0, batch: 1, .init(rawValue: 1 << 9))
                _ = try networks.plan(0, batch: 1, .training)
                throw PluginError.data("words of its own")
            case "stale":
                let other = try networks.plan(0, batch: 1, .training)
                try networks.forward(pass!)
                try networks.forward(other)
                try networks.backward(pass!)
            case "twice":
                try networks.forward(pass!)
                try networks.backward(pass!)
                try networks.backward(pass!)
            case "count": networks.measure("number", 1, count: .infinity)
            case "file": try networks.writeSample(".hidden", [1])
            case "prepare":
                let raw = TensorBuffer(.float32, [1, 6])
                raw.tensor.floats.update(repeating: 7, count: 6)
                let prepared = try withExtendedLifetime(raw) {
                    try networks.open(judge, host: host).prepare(raw.tensor)
                }
                guard prepared.shape == [1, 6], (0..<6).allSatisfy({ prepared.floats[$0] == 3 }) else {
                    throw PluginError.data("\(prepared.shape), \(prepared.floats[0])")
                }
            case "judge": _ = try networks.open(judge, host: host).read(file: "none.npy")
            default: break
            }
            let pass = pass!
            let batch = try networks.nextBatch()[0]
            pass.inputs[0].floats.update(from: batch.floats, count: batch.count)
            try networks.forward(pass)
            pass.outputGradients[0].floats.update(from: pass.outputs[0].floats, count: pass.outputs[0].count)
            try networks.backward(pass)
            try networks.update(0)
            steps += 1
            if mood == "cancel", steps == 5 {
                Runtime.shared.isCancelled = true
                if host.isCancelled { throw PluginError.cancelled }
            }
            let perEpoch = networks.batchesPerEpoch()
            var progress = ProcedureProgress()
            (progress.epochs, progress.items) = (steps / perEpoch, mood == "silent" ? 0 : Double(networks.batch))
            networks.measure("steps", 1)
            progress.fraction = Double(steps) / Double(perEpoch * run.epochs)
            progress.isFinished = progress.epochs >= run.epochs
            return progress
        }

        func save() -> String { #"{"steps": \#(steps)}"# }
        func restore(_ json: String, _ run: ProcedureRun) throws {
            steps = Int(json.filter(\.isNumber)) ?? 0
            try start(run)
        }
    }

    /// Tells how many samples the recipe's data have.
    private struct Count: ModelTask {
        static let name = "count"
        static let documentation = "Samples of the data that the model was trained on."

        init(_ attributes: Attributes, host: LaminaSDK.Host) {}

        func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
            answer.addRow(["samples": .integer(try model.sampleCount(.train) ?? -1)])
        }
    }

    /// What happens around a procedure's calls: stops, refusals, and models that run beside the training.
    @Suite(.serialized) struct ProcedureFaultTests {
        nonisolated(unsafe) private static let plugin = Plugin(
            id: "fault", name: "Fault", version: "1.0.0", license: "MIT", documentation: "A procedure and a task.",
            components: [.procedure(Moody.self), .task(Count.self)])

        private static let registry: Registry = {
            let registry = Registry()
            try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
            try! registry.add { _, out in Plugin.export(plugin, to: out) }
            return registry
        }()

        private let temporary: TemporaryFolder
        private var folder: String { temporary.path }
        private var archive: String { folder + "m.lamina" }

        init() throws {
            temporary = try TemporaryFolder()
        }

        private static let layers =
            "layers: [ core.dense: { units: 5 }, core.dropout: { rate: 0.2 }, core.dense: { units: 6 } ]"

        private func training(
            _ attributes: String, data: String = "{ reader: data.random, count: 100, shape: [6] }",
            layers: String = layers, optimizer: String = "", archive: String? = nil, resume: Bool = false
        ) throws -> ProcedureTraining {
            let recipe = try Recipe.parse(
                """
                lamina: 1
                data: { train: \(data) }
                networks:
                  net: { input: [6], \(layers) }
                procedure: { fault.moody: { \(attributes) } }
                optimizer: { core.adam: { learning_rate: 0.01 }\(optimizer) }
                train: { epochs: 3, batch: 16, seed: 2 }
                """, registry: Self.registry)
            return try ProcedureTraining(recipe, archive: archive, resume: resume, registry: Self.registry)
        }

        private func values(_ training: ProcedureTraining) -> [[Float]] {
            defer { withExtendedLifetime(training) {} }
            return training.model.network.parameters.entries.map { entry in
                let values = entry.data.assumingMemoryBound(to: Float.self)
                return (0..<entry.shape.reduce(1, *)).map { values[$0] }
            }
        }

        /// Runs the model on far more samples than a pass has, whose memory has to stay where it is.
        private final class User: ProcedureObserver {
            var outputs: [Float] = []

            func stepEnded(_ progress: ProcedureTraining.Progress) {}
            func epochEnded(_ record: EpochRecord, _ training: ProcedureTraining) throws {
                let name = training.model.graph.definition.inputs[0].name
                let rows = NamedTensor(name, [5000, 6], [Float](repeating: 0.5, count: 30000))
                outputs = try training.model.run([rows]).outputs[0].floats
            }
        }

        @Test func theModelMayBeUsedBetweenSteps() throws {
            let (alone, used, user) = (try training(""), try training(""), User())
            try alone.start()
            try used.start(user)
            #expect(values(used) == values(alone))
            #expect(user.outputs.count == 30000 && user.outputs.allSatisfy(\.isFinite))
            // With the values of the last step.
            let name = used.model.graph.definition.inputs[0].name
            let one = try used.model.run([NamedTensor(name, [1, 6], [Float](repeating: 0.5, count: 6))]).outputs[0]
                .floats
            #expect(zip(one, user.outputs).allSatisfy { abs($0 - $1) < 1e-5 })
        }

        /// The values of the networks have changed, the procedure's count of its steps not yet.
        @Test func aStopInTheMiddleOfAStepIsHeardAfterIt() throws {
            let whole = try training("")
            try whole.start()
            #expect(try training("mood: cancel", archive: archive).start() == .interrupted)
            let resumed = try training("", archive: archive, resume: true)
            #expect(resumed.state.steps == 5)
            #expect(try resumed.start() == .finished)
            #expect(values(resumed) == values(whole))
        }

        /// Otherwise the optimizer would begin anew, without a word.
        @Test func passesPlannedTooLateCannotBeResumed() throws {
            try training("mood: late", archive: archive).start()
            let error = #expect(throws: LaminaError.self) {
                try training("mood: late", archive: archive, resume: true)
            }
            #expect(
                error?.text.contains("which the procedure's start and restore have to do") == true,
                "\(String(describing: error))")
        }

        @Test(arguments: [
            ("mood: flags", LaminaError.Kind.plugin, "a pass with the flags 0x200 is wanted"),
            ("mood: number", .internal, "there is no network 7 of 1"),
            ("mood: shrug", .data, "words of its own"),
            ("mood: handle", .data, "words of its own"),
            ("mood: stale", .internal, "network 'net': backward of a pass that has not run forward since"),
            ("mood: twice", .internal, "network 'net': backward of a pass that has not run forward since"),
            ("mood: count", .internal, "measures 'number' with a count of inf"),
            ("mood: file", .internal, "no file can be called '.hidden'"),
            ("mood: targets", .internal, "asks for 'b' as a second target of stream 0"),
            ("mood: gap", .internal, "asks for data of the streams [1], which have gaps"),
            ("mood: publish", .internal, "publishes network 7, which is already or is none of the recipe's 1"),
            ("mood: judge, judge: none.lamina", .archive, "none.lamina"),
        ])
        func errors(_ attributes: String, _ kind: LaminaError.Kind, _ text: String) throws {
            let error = #expect(throws: LaminaError.self) { try training(attributes).start() }
            #expect(error?.kind == kind && error?.text.contains(text) == true, "\(String(describing: error))")
        }

        /// What a procedure would read or write beside its memory, or find without any.
        @Test(arguments: [
            (
                "layers: [ core.dense: { units: 6 }, core.reduce_mean: { axes: [0], keep_dimensions: true } ]",
                "output 'output' has shape [1, 6] for 16 samples; wanted one row per sample, [16, …]"
            ),
            ("layers: [ core.tanh: {} ]", "network 'net' has nothing to train"),
            (
                "layers: [ { core.dense: { units: 6 }, name: out } ], outputs: { a: out, b: out }",
                "has one value as several outputs"
            ),
        ])
        func networksThatCannotBeTrained(_ layers: String, _ text: String) throws {
            let error = #expect(throws: LaminaError.self) { try training("", layers: layers).start() }
            #expect(error?.kind == .recipe && error?.text.contains(text) == true, "\(String(describing: error))")
        }

        /// The batches of the data are its time.
        @Test func schedulesWithoutData() throws {
            let error = #expect(throws: LaminaError.self) {
                try training("mood: none", optimizer: ", schedule: core.cosine")
            }
            #expect(
                error?.kind == .recipe && error?.text.contains("leave the schedule out") == true,
                "\(String(describing: error))")
        }

        /// As the recipe's transforms say, though the model takes something else than the data.
        @Test func samplesArePreparedForAProcedure() throws {
            let data =
                "{ reader: data.random, count: 100, shape: [6] }, transforms: [ data.normalize: { mean: 1, std: 2 } ]"
            try training("", data: data, archive: archive).start()
            #expect(try training("mood: prepare, judge: \(archive)").start() == .finished)
        }

        /// An epoch has passed even where a procedure does not tell how many samples it had.
        @Test func epochsWithoutItems() throws {
            let training = try training("mood: silent")
            try training.start()
            #expect(training.state.history.map(\.epoch) == [1, 2, 3])
            #expect(training.state.history.allSatisfy { $0.values.map(\.value) == [1] })
        }

        /// What the model says of samples that it cannot take, not that the procedure had no answer.
        @Test func errorsOfAJudgeAreTold() throws {
            try training("", archive: archive).start()
            let error = #expect(throws: LaminaError.self) { try training("mood: judge, judge: \(archive)").start() }
            #expect(
                error?.kind == .data && error?.text.contains("\(archive): data.npy: cannot open 'none.npy'") == true,
                "\(String(describing: error))")
        }

        private final class Answer: TaskObserver {
            var rows: [JSONObject] = []
            func row(_ cells: JSONObject) { rows.append(cells) }
            func text(_ text: String) {}
            func wrote(file path: String) {}
            func progress(_ done: Int, of total: Int) {}
        }

        /// A task that can do without the data runs where they are not.
        @Test func dataThatAreNotThere() throws {
            let data = folder + "d.safetensors"
            let header = #"{"x":{"dtype":"F32","shape":[32,6],"data_offsets":[0,768]}}"#
            var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Foundation.Data($0) }
            bytes.append(contentsOf: header.utf8)
            bytes.append(Foundation.Data(count: 768))
            try bytes.write(to: URL(fileURLWithPath: data))
            try training("", data: "{ reader: data.safetensors, path: \(data) }", archive: archive).start()
            func count() throws -> JSON? {
                let (model, answer) = (try Model.open(archive, registry: Self.registry), Answer())
                try model.run(task: model.task(named: "count"), [:], arguments: [], answer)
                return answer.rows.first?["samples"]
            }
            #expect(try count() == .integer(32))
            try FileManager.default.removeItem(atPath: data)
            #expect(try count() == .integer(-1))
        }
    }

#endif
