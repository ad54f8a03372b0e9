import ArgumentParser
import Glibc
import Lamina
import LaminaFormats
import LaminaHost
import LaminaRecipe
import LaminaReport
import LaminaTraining

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train the network of a recipe and write it as an archive.",
        discussion: """
            Writes MODEL.lamina with a checkpoint after every epoch, and beside it MODEL.history.csv, MODEL.history.jsonl, \
            MODEL.curves.svg, with a metric that gives a confusion matrix MODEL.confusion.svg, TensorBoard event files in MODEL.tensorboard/, and the \
            resolved recipe as MODEL.recipe.yaml. Ctrl-C finishes the step, writes a checkpoint and says how to resume.

            With --from, or 'from:' in the recipe, training begins with the values of an archive, and with its network if the \
            recipe has none of its own. Where the recipe then freezes parameters or inserts layers, MODEL.lamina holds only \
            what differs from that archive, its base, and needs it to be opened; `lamina repack` makes a whole archive of it.
            """)

    @Argument(help: "The recipe, a YAML file.")
    var recipe: String

    @Option(name: [.short, .long], help: "The archive to write.")
    var output: String

    @Flag(help: "Go on from the checkpoint in the archive.")
    var resume = false

    @Option(help: "An archive whose values training begins with, and whose network if the recipe has none.")
    var from: String?

    @Flag(help: "Write a whole archive also where one would do that holds only what differs from its base.")
    var whole = false

    @Option(name: .customLong("set"), help: "Changes a value of the recipe, as in train.epochs=5; may be repeated.")
    var overrides: [String] = []

    @Option(help: "Instead of the recipe's number of epochs.")
    var epochs: Int?

    @Option(help: "Instead of the recipe's seed.")
    var seed: Int?

    @OptionGroup var host: HostOptions

    func run() throws {
        let registry = host.registry()
        var settings = overrides
        if let epochs { settings.append("train.epochs=\(epochs)") }
        if let seed { settings.append("train.seed=\(seed)") }
        if let threads = host.threads { settings.append("train.threads=\(threads)") }
        let recipe = try Recipe.load(self.recipe, overrides: settings, from: from, registry: registry)
        try refuseToReplace(recipe)
        if recipe.procedure != nil { return try runProcedure(recipe, registry) }
        let run = try TrainingRun(recipe, archive: output, resume: resume, whole: whole, registry: registry)
        if let beginning = run.model.beginning, !resume { Terminal.message(beginning.summary) }
        if !run.optimizerChanges.isEmpty {
            Terminal.warning(
                "the optimizer is not set as in the checkpoint: \(run.optimizerChanges.joined(separator: ", ")); "
                    + "training goes on with the recipe's")
        }
        let done = run.trainer.state.epoch
        if resume, done >= recipe.training.epochs {
            Terminal.message(
                "nothing to do: the checkpoint has \(done) epochs, the recipe asks for \(recipe.training.epochs); "
                    + "train on with --epochs \(done + 1) or more")
            return
        }
        let report = try TrainingReport(
            archive: output, name: run.model.name, classes: run.model.labels, isResumed: resume)
        note(run.model.recipe ?? recipe, in: report)
        Interruption.watch()
        let observer = TrainingDisplay(report)
        let outcome = try run.start(observer)
        try finish(run, outcome, report)
    }

    private func finish(_ run: TrainingRun, _ outcome: Trainer.Outcome, _ report: TrainingReport) throws {
        switch outcome {
        case .interrupted:
            try report.writeRecipe()
            Terminal.message(
                "interrupted after epoch \(run.trainer.state.epoch), step \(run.trainer.state.step); the checkpoint is in \(output); "
                    + "resume with: \(resumeCommand)")
            throw ExitCode(130)
        case .stoppedEarly:
            Terminal.message(
                "stopped early: no improvement for \(run.trainer.recipe.training.earlyStopping!.patience) epochs")
        case .finished: break
        }
        Terminal.message("wrote \(([output] + report.files).joined(separator: ", "))")
    }
}

extension Train {
    /// What a run reads it must not write over.
    private func refuseToReplace(_ recipe: Recipe) throws {
        let components = [recipe.data?.train, recipe.data?.validation, recipe.data?.test, recipe.procedure]
        var inputs = [self.recipe] + (recipe.base.map { [$0.path] } ?? [])
        for case let component? in components {
            for name in component.pathAttributes {
                if case .string(let path)? = component.attributes[name] { inputs.append(path) }
            }
        }
        for path in [output] + TrainingReport.paths(archive: output)
        where path != TrainingReport.recipePath(archive: output) {
            guard let input = inputs.first(where: { FileIdentity.isSame($0, path) }) else { continue }
            throw LaminaError(
                .usage, "the training would write \(path) over \(input), which it reads: choose another name with -o")
        }
    }

    /// The resolved recipe goes beside the archive, but never in the place of the one that was given.
    private func note(_ recipe: Recipe, in report: TrainingReport) {
        guard !FileIdentity.isSame(self.recipe, TrainingReport.recipePath(archive: output)) else { return }
        report.recipe = recipe.text()
    }

    private func runProcedure(_ recipe: Recipe, _ registry: Registry) throws {
        Interruption.watch()
        let run = try Interruption.told("interrupted before the training began; nothing was written") {
            try ProcedureTraining(
                recipe, archive: output, resume: resume, registry: registry, progress: ProcedureDisplay.definition)
        }
        if !run.changes.isEmpty {
            Terminal.warning(
                "the recipe is not as it was for the checkpoint: \(run.changes.joined(separator: ", ")); training goes on "
                    + "with what it says now")
        }
        if resume, run.state.isFinished {
            Terminal.message(
                "nothing to do: the checkpoint has \(run.state.epochs) epochs, the recipe asks for "
                    + "\(recipe.training.epochs); train on with --epochs \(run.state.epochs + 1) or more")
            return
        }
        let report = try TrainingReport(archive: output, name: run.model.name, classes: [], isResumed: resume)
        note(recipe, in: report)
        Terminal.message(
            "training \(run.parameterCount) parameters by \(run.driver.id), "
                + "\(recipe.training.epochs) epoch\(recipe.training.epochs == 1 ? "" : "s"), \(Lamina.threads) threads")
        guard try run.start(ProcedureDisplay(report)) == .finished else {
            try report.writeRecipe()
            Terminal.message(
                "interrupted after epoch \(run.state.epochs); the checkpoint is in \(output); "
                    + "resume with: \(resumeCommand)")
            throw ExitCode(130)
        }
        Terminal.message("wrote \(([output] + report.files).joined(separator: ", "))")
    }

    /// The command that goes on with this run, with all that this one was told.
    private var resumeCommand: String {
        var words = ["lamina", "train", recipe, "-o", output, "--resume"]
        if let from { words += ["--from", from] }
        if whole { words.append("--whole") }
        words += overrides.flatMap { ["--set", $0] }
        if let epochs { words += ["--epochs", "\(epochs)"] }
        if let seed { words += ["--seed", "\(seed)"] }
        return (words + host.words).map(Text.quoted).joined(separator: " ")
    }
}

/// Ctrl-C: the first asks the run to stop after the step, the second ends the process at once.
enum Interruption {
    /// Says `text` and ends with 130 when what `body` does was interrupted.
    static func told<Value>(_ text: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            guard Runtime.shared.isCancelled else { throw error }
            Terminal.message(text)
            throw ExitCode(130)
        }
    }

    static func watch() {
        // Made now: a signal handler must not make anything.
        _ = Runtime.shared
        signal(SIGINT) { _ in
            Runtime.shared.isCancelled = true
            // The next one ends the process as any other program, without a checkpoint and without saying so.
            signal(SIGINT, SIG_DFL)
        }
        signal(SIGTERM) { _ in Runtime.shared.isCancelled = true }
        // A parent that starts us from a thread with blocked signals hands the block on.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}

/// Shows a training run: a bar on a terminal, otherwise plain lines now and then.
final class TrainingDisplay: TrainingObserver {
    private let report: TrainingReport
    private var lastShown = 0.0
    /// Of the running epoch.
    private var remaining = (epoch: 0, time: RemainingTime())

    init(_ report: TrainingReport) { self.report = report }

    func trainingStarts(_ trainer: Trainer) {
        let evaluation = trainer.evaluationName.map { ", evaluated on \($0) data" } ?? ""
        let epochs = trainer.recipe.training.epochs
        Terminal.message(
            "training \(trained(trainer)) parameters on \(trainer.sampleCount) samples, "
                + "\(epochs) epoch\(epochs == 1 ? "" : "s") of \(trainer.stepsPerEpoch) steps\(evaluation); "
                + "\(Text.bytes(trainer.plannedBytes)) planned, \(Lamina.threads) threads")
        if let decay = trainer.recipe.optimizer?.layerDecay { showDecay(decay, trainer.optimizer.learningRateFactors) }
    }

    /// Which parameters layer-wise decay leaves the whole learning rate, and which the least of it.
    private func showDecay(_ decay: Double, _ factors: [(parameter: String, factor: Double)]) {
        let sorted = Set(factors.map(\.factor)).sorted(by: >)
        guard let first = sorted.first, let last = sorted.last else { return }
        func part(_ factor: Double) -> String {
            let names = factors.filter { $0.factor == factor }.map(\.parameter)
            return "× \(Text.decimal(factor, 4)) of \(names[0])"
                + (names.count > 1 ? " and \(names.count - 1) more" : "")
        }
        Terminal.message(
            "layer_decay \(decay): learning rates in \(sorted.count) step\(sorted.count == 1 ? "" : "s"), from "
                + "\(part(first)) to \(part(last))")
    }

    private func trained(_ trainer: Trainer) -> String {
        let (graph, all) = (trainer.network.graph, trainer.network.graph.parameterCount)
        return graph.trainedCount == all ? "\(all)" : "\(graph.trainedCount) of \(all)"
    }

    func stepEnded(_ progress: TrainingProgress) {
        let now = Terminal.now
        if remaining.epoch != progress.epoch { remaining = (progress.epoch, RemainingTime()) }
        let left = remaining.time.left(
            done: Double(progress.stepInEpoch) / Double(max(progress.stepsPerEpoch, 1)), at: now)
        let interval = Terminal.isErrorATerminal ? 0.1 : 10
        let isLast = progress.stepInEpoch == progress.stepsPerEpoch
        guard now - lastShown >= interval || (isLast && Terminal.isErrorATerminal) else { return }
        lastShown = now
        let text =
            "\(progress.stepInEpoch)/\(progress.stepsPerEpoch)  loss \(Text.decimal(progress.meanLoss, 4))  "
            + "\(Text.decimal(progress.samplesPerSecond, 0)) samples/s"
        if Terminal.isErrorATerminal {
            let width = max(10, min(30, Terminal.columns - 75))
            let filled = width * progress.stepInEpoch / max(progress.stepsPerEpoch, 1)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            let time = isLast ? "" : left.map { "  \(Text.duration($0)) left" } ?? ""
            Terminal.progress("epoch \(progress.epoch)/\(progress.epochs) \(bar) \(text)\(time)")
        } else {
            Terminal.message("epoch \(progress.epoch)/\(progress.epochs)  \(text)")
        }
    }

    func evaluating(_ done: Int, _ total: Int) { Terminal.progress("evaluating \(done)/\(total)") }

    func tested(_ result: Evaluator.Result) {
        let loss = result.loss.map { [("loss", $0)] } ?? []
        let values = (loss + result.values).map { "test_\($0) \(Text.decimal($1, 4))" }
        Terminal.message("tested on \(result.samples) samples: \(values.joined(separator: "  "))")
    }

    func epochEnded(
        _ record: EpochRecord, _ evaluation: Evaluator.Result?, isCheckpointDue: Bool, _ trainer: Trainer
    ) throws {
        let values = record.values.map { name, value in "\(name) \(Text.decimal(value, 4))" }.joined(separator: "  ")
        Terminal.message(
            "epoch \(record.epoch)/\(trainer.recipe.training.epochs)  train_loss \(Text.decimal(record.trainLoss, 4))  \(values)  "
                + "(\(Text.duration(record.seconds)), \(Text.decimal(record.samplesPerSecond, 0)) samples/s)")
        try report.write(
            trainer.state.history.map(HistoryRow.init),
            confusion: evaluation?.confusion.flatMap { ConfusionMatrix(classes: report.classes, counts: $0.values) })
    }
}

extension HistoryRow {
    init(_ record: EpochRecord) {
        self.init(
            epoch: record.epoch, step: record.step, trainLoss: record.trainLoss, values: record.values,
            learningRateFactor: record.learningRateFactor, seconds: record.seconds,
            samplesPerSecond: record.samplesPerSecond)
    }
}
