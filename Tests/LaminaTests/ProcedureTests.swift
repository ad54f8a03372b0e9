import Foundation
import LaminaSDK
import Testing

@testable import Lamina

/// Models that a procedure defines and trains, their archives, and the tasks that they offer.
@Suite(.serialized) struct ProcedureTests {
    private let temporary: TemporaryFolder
    private var folder: String { temporary.path }
    private var archive: String { folder + "m.lamina" }

    init() throws {
        temporary = try TemporaryFolder()
    }

    private func recipe(_ more: String = "", epochs: Int = 3, numbers: String = "[1, 2, 0.1, 4]") throws -> Recipe {
        try Recipe.parse(
            """
            lamina: 1
            name: means
            procedure:
              trial.mean: { numbers: \(numbers)\(more) }
            train: { epochs: \(epochs), seed: 3 }
            """, registry: TrialPlugin.registry)
    }

    private func training(_ recipe: Recipe, resume: Bool = false) throws -> ProcedureTraining {
        try ProcedureTraining(recipe, archive: archive, resume: resume, registry: TrialPlugin.registry)
    }

    private final class Watcher: ProcedureObserver {
        var steps: [ProcedureTraining.Progress] = []
        var epochs: [EpochRecord] = []
        /// Asks to stop after so many steps.
        var stopAfter = Int.max

        func stepEnded(_ progress: ProcedureTraining.Progress) {
            steps.append(progress)
            if steps.count == stopAfter { Runtime.shared.isCancelled = true }
        }
        func epochEnded(_ record: EpochRecord, _ training: ProcedureTraining) { epochs.append(record) }
    }

    private final class Answer: TaskObserver {
        var rows: [JSONObject] = []
        var texts = ""
        var files: [String] = []
        func row(_ cells: JSONObject) { rows.append(cells) }
        func text(_ text: String) { texts += text }
        func wrote(file path: String) { files.append(path) }
        var progress: [[Int]] = []
        func progress(_ done: Int, of total: Int) { progress.append([done, total]) }
    }

    private func ask(
        _ model: Model, _ task: String, _ attributes: JSONObject = [:], _ arguments: [String]
    ) throws -> Answer {
        let answer = Answer()
        try model.run(task: model.task(named: task), attributes, arguments: arguments, answer)
        return answer
    }

    @Test func trainsAndTellsHowFarItIs() throws {
        let run = try training(recipe())
        let watcher = Watcher()
        #expect(try run.start(watcher) == .finished)
        #expect(watcher.steps.count == 12 && watcher.steps.last?.fraction == 1)
        #expect(watcher.steps[4].epoch == 2 && watcher.steps[4].itemName == "numbers")
        #expect(watcher.epochs.map(\.epoch) == [1, 2, 3] && watcher.epochs.map(\.step) == [4, 8, 12])
        #expect(abs(watcher.epochs[0].trainLoss - (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 4) < 1e-12)

        let model = try Model.open(archive, registry: TrialPlugin.registry)
        #expect(model.name == "means" && model.procedure == "trial.mean")
        #expect(try model.selfTest() == 1)
        let mean = Float(7.1 * 3 / 4)
        let output = try model.run([NamedTensor("row", .int64, [1], bytes: [1, 0, 0, 0, 0, 0, 0, 0])]).outputs[0]
        #expect(output.name == "mean" && zip(output.floats, [mean + 2, mean + 3]).allSatisfy { abs($0 - $1) < 1e-5 })
        // The recipe in the archive reads back as the one that was trained.
        let recorded = try #require(model.trainingRecord["recipe"])
        #expect(try Recipe.parse(recorded.bytes(), registry: TrialPlugin.registry) == recipe())
    }

    @Test(arguments: [1, 4, 5, 11]) func aResumedRunHasTheSameBits(stopAfter: Int) throws {
        let whole = try training(recipe())
        #expect(try whole.start() == .finished)

        let first = try training(recipe())
        let watcher = Watcher()
        watcher.stopAfter = stopAfter
        #expect(try first.start(watcher) == .interrupted)
        #expect(first.state.steps == UInt64(stopAfter) && !first.state.isFinished)
        let second = try training(recipe(), resume: true)
        #expect(try second.start() == .finished)
        func weights(_ model: Model) -> [[Float]] {
            model.network.parameters.entries.map { entry in
                Array(
                    UnsafeBufferPointer(
                        start: entry.data.assumingMemoryBound(to: Float.self), count: entry.shape.reduce(1, *)))
            }
        }
        #expect(weights(second.model) == weights(whole.model))
        #expect(second.state.history.map(\.step) == whole.state.history.map(\.step))
        // What the running epoch had gone through counts, too.
        #expect(second.state.history.map(\.trainLoss) == whole.state.history.map(\.trainLoss))
    }

    @Test func aFinishedRunGoesOnWithMoreEpochs() throws {
        try training(recipe(epochs: 1)).start()
        #expect(try training(recipe(epochs: 1), resume: true).state.isFinished)
        let more = try training(recipe(epochs: 3), resume: true)
        #expect(!more.state.isFinished)
        try more.start()
        #expect(more.state.epochs == 3 && more.state.steps == 12)
    }

    /// Asked for less than was done, there is nothing to do.
    @Test func aRunGoesOnWithFewerEpochs() throws {
        let watcher = Watcher()
        watcher.stopAfter = 9
        #expect(try training(recipe()).start(watcher) == .interrupted)
        let fewer = try training(recipe(epochs: 1), resume: true)
        #expect(fewer.state.isFinished && fewer.state.epochs == 2)
        #expect(try !training(recipe(), resume: true).state.isFinished)
    }

    /// Ctrl-C in the step that ends an epoch: the epoch's checkpoint is written before it is heard.
    @Test(arguments: [4, 12]) func checkpointsAreWrittenWhole(stopAfter: Int) throws {
        let watcher = Watcher()
        watcher.stopAfter = stopAfter
        let run = try training(recipe())
        #expect(try run.start(watcher) == (stopAfter == 12 ? .finished : .interrupted))
        Runtime.shared.isCancelled = false
        #expect(watcher.epochs.count == stopAfter / 4)
        #expect(try Model.open(archive, registry: TrialPlugin.registry).selfTest() == 1)
    }

    @Test func checkpointsFollowEpochs() throws {
        var every = try recipe(epochs: 5)
        every.training.checkpointEvery = 2
        let run = try training(every)
        final class Counter: ProcedureObserver {
            var saved: [Int] = []
            func stepEnded(_ progress: ProcedureTraining.Progress) {}
            func epochEnded(_ record: EpochRecord, _ training: ProcedureTraining) throws {
                let model = try? Model.open(training.path!, registry: TrialPlugin.registry)
                guard case .integer(let epochs)? = model?.trainingRecord["epochs"] else { return }
                saved.append(Int(epochs))
            }
        }
        let counter = Counter()
        #expect(try run.start(counter) == .finished)
        #expect(counter.saved == [2, 2, 4, 5])
    }

    /// What cannot be resumed is known before a definition, which may take long.
    @Test func archivesAreOpenedFirst() throws {
        for (seed, wanted) in [(3, "means.lamina"), (4, "the recipe now says 4")] {
            var changed = try recipe(epochs: 1)
            if seed != 3 { try training(changed).start() }
            changed.training.seed = UInt64(seed)
            var isDefined = false
            let error = #expect(throws: LaminaError.self) {
                try ProcedureTraining(
                    changed, archive: seed == 3 ? folder + "means.lamina" : archive, resume: true,
                    registry: TrialPlugin.registry
                ) { _, _ in isDefined = true }
            }
            #expect(error?.text.contains(wanted) == true && !isDefined, "\(error?.text ?? "")")
        }
    }

    @Test func epochsWithoutLoss() throws {
        let run = try training(recipe(", fault: no_loss", epochs: 1))
        let watcher = Watcher()
        #expect(try run.start(watcher) == .finished)
        #expect(watcher.epochs[0].trainLoss.isNaN)
        let model = try Model.open(archive, registry: TrialPlugin.registry)
        #expect(model.trainingRecord["metrics"] == nil)
        #expect(try training(recipe(", fault: no_loss", epochs: 2), resume: true).start() == .finished)
    }

    /// A model that is only made has the values that it would be saved with.
    @Test func aModelIsPublished() throws {
        let run = try ProcedureTraining(recipe(), registry: TrialPlugin.registry)
        try run.publish()
        let row = NamedTensor("row", .int64, [1], bytes: [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(try run.model.run([row]).outputs[0].floats == [2, 3])
    }

    @Test func destroysATokenizerOnce() throws {
        let before = TrialPlugin.NoTokens.destroyed
        let error = #expect(throws: TrainingError.self) {
            try TextTokenizer(.init(kind: "tokenizer", "trial.no_tokens"), json: [], registry: TrialPlugin.registry)
        }
        #expect(error?.text == "trial.no_tokens: a vocabulary of 0 tokens (a bug of the plugin)")
        #expect(TrialPlugin.NoTokens.destroyed == before + 1)
    }

    @Test(arguments: [
        (", fault: \"\"", 3, "[1, 2, 0.1, 4, 5]", "holds another model than 'trial.mean' makes now"),
        ("", 4, "[1, 2, 0.1, 4]", "was trained with seed 3, the recipe now says 4"),
    ])
    func whatCannotBeResumed(more: String, seed: Int, numbers: String, wanted: String) throws {
        try training(recipe(epochs: 1)).start()
        var changed = try recipe(more, numbers: numbers)
        changed.training.seed = UInt64(seed)
        let error = #expect(throws: LaminaError.self) { try training(changed, resume: true) }
        #expect(error?.kind == .recipe && error?.text.contains(wanted) == true, "\(error?.text ?? "")")
    }

    @Test(arguments: [
        ("define", LaminaError.Kind.data, "there are no numbers; give some"),
        ("node", .recipe, "core.nothing"),
        ("step", .data, "number 0 cannot be learnt"),
        ("loss", .diverged, "lower the learning rate"),
        ("figures", .internal, "trial.mean: a step tells that nan of the training is done, wanted 0 to 1 (a bug"),
        ("asset", .internal, "no archive holds an asset 'Numbers'"),
    ])
    func faults(fault: String, kind: LaminaError.Kind, wanted: String) throws {
        let error = #expect(throws: LaminaError.self) { try training(recipe(", fault: \(fault)")).start() }
        #expect(error?.text.contains(wanted) == true && error?.kind == kind, "\(error?.text ?? "")")
        #expect(!FileManager.default.fileExists(atPath: archive))
    }

    @Test func valuesThatAreNotFiniteAreNeverSaved() throws {
        let error = #expect(throws: LaminaError.self) { try training(recipe(numbers: "[1e300]")).start() }
        #expect(error?.kind == .diverged && error?.text.contains("parameter 'table.weight'") == true)
        #expect(!FileManager.default.fileExists(atPath: archive))
    }

    @Test func tasksOfAModel() throws {
        try training(recipe(epochs: 1)).start()
        let model = try Model.open(archive, registry: TrialPlugin.registry)
        #expect(model.tasks.map(\.id) == ["trial.report_rows", "trial.look_up", "trial.misuse"])
        let answer = try ask(model, "report_rows", ["times": 2, "loud": true, "tags": ["a", "b"]], ["1", "3"])
        #expect(answer.progress == [[1, 2], [2, 2]])
        let mean = 7.1 * 3 / 4
        #expect(answer.rows.map { $0["row"] } == [.integer(1), .integer(3)])
        guard case .number(let value)? = answer.rows[0]["value"] else { throw LaminaError(.internal, "no value") }
        #expect(abs(value - 2 * (mean + 2)) < 1e-5)
        #expect(answer.rows[0]["bytes"] == .integer(Int64("1.0\n2.0\n0.1\n4.0".utf8.count)))
        #expect(answer.rows[0]["tags"] == ["a", "b"])
        #expect(answer.texts == "done" && answer.files == ["/nowhere"])
    }

    /// The graph is cut where values are given.
    @Test func tasksComputePartsOfTheGraph() throws {
        let run = try training(recipe(epochs: 1))
        try run.start()
        // Also with a model that is in no archive.
        for model in [run.model, try Model.open(archive, registry: TrialPlugin.registry)] {
            let row = try ask(model, "trial.look_up", [:], ["2", "0", "3"]).rows[0]
            guard case .array(let vectors)? = row["vectors"], case .array(let given)? = row["given"] else {
                throw LaminaError(.internal, "no vectors")
            }
            let mean = 7.1 * 3 / 4
            for (index, wanted) in [4.0, 5, 0, 1, 6, 7].enumerated() {
                guard case .number(let value) = vectors[index], case .number(let next) = given[index] else { continue }
                #expect(abs(value - mean - wanted) < 1e-5 && abs(next - value - 1) < 1e-5)
            }
            #expect(vectors.count == 6 && given.count == 6)
        }
    }

    @Test func tasksThatFail() throws {
        try training(recipe(epochs: 1)).start()
        let model = try Model.open(archive, registry: TrialPlugin.registry)
        func text(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "nothing was thrown"
            } catch { return "\(LaminaError(error).kind): \(LaminaError(error).text)" }
        }
        #expect(
            text { _ = try ask(model, "report", [:], []) }
                == "usage: this model has no task 'report'; it offers report-rows, look-up, misuse")
        #expect(
            text { _ = try ask(model, "report_row", [:], []) }.contains("did you mean 'report-rows'?"))
        #expect(text { _ = try ask(model, "report_rows", [:], ["7"]) }.contains("there is no row '7', wanted 0 to 3"))
        #expect(
            text { _ = try ask(model, "report_rows", ["times": 11], []) }.hasPrefix("usage: trial.report_rows: times"))
        #expect(text { _ = try ask(model, "report_rows", ["tims": 1], []) }.contains("did you mean 'times'?"))
        #expect(text { _ = try ask(model, "look_up", [:], ["bad"]) } == "data: the model has no 'nothing'")
        // Index 9 is none of the table's rows.
        #expect(text { _ = try ask(model, "look_up", [:], ["9"]) }.hasPrefix("data: "))
    }

    /// A task that calls the host as it must not gets no answer through, and the host says why.
    @Test(arguments: [
        ("row", "a row cannot be read: the plugin's attribute list is malformed"),
        ("nothing", "asks for an evaluation that is none"), ("names", "gives a list of -1 names that is none"),
        ("twice", "two outputs are named 'table'"), ("values", "gives names without values"),
        ("values 2", "gives 'row' without data or shape, or not plain"), ("encode", "no vocabulary for 'none'"),
        ("decode", "-5 tokens to decode, but none are given"), ("token", "no vocabulary for 'row'"),
        ("text", ""), ("special", ""),
    ])
    func faultyTasks(fault: String, wanted: String) throws {
        try training(recipe(epochs: 1)).start()
        let model = try Model.open(archive, registry: TrialPlugin.registry)
        let arguments = fault.split(separator: " ").map(String.init)
        guard !wanted.isEmpty else {
            #expect(try ask(model, "misuse", [:], arguments).texts.isEmpty)
            return
        }
        let error = #expect(throws: LaminaError.self) { try ask(model, "misuse", [:], arguments) }
        #expect(error?.text.contains(wanted) == true, "\(error?.text ?? "")")
    }

    @Test(arguments: [
        (
            "model: { input: [1], layers: [core.relu] }",
            "'model': the procedure 'trial.mean' brings its own; leave it out"
        ),
        ("metrics: [core.accuracy]", "'metrics': the procedure 'trial.mean' brings its own; leave it out"),
        ("train: { batch: 3 }", "'batch' is for training on a dataset; with a procedure 'train' has epochs, seed"),
        ("train: { epochs: 0 }", "'epochs': wanted an integer >= 1"),
        ("epochs: 2", "'epochs' stands in 'train': indent it there"),
    ])
    func recipesThatAreWrong(line: String, wanted: String) throws {
        let error = #expect(throws: RecipeError.self) {
            try Recipe.parse(
                "lamina: 1\nprocedure: { trial.mean: { numbers: [1] } }\n\(line)\n", registry: TrialPlugin.registry)
        }
        #expect(error?.description.contains(wanted) == true, "\(error?.description ?? "")")
    }
}
