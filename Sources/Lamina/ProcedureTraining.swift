import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

/// Watches a procedure at work.
public protocol ProcedureObserver: AnyObject {
    /// After every step; has to be quick.
    func stepEnded(_ progress: ProcedureTraining.Progress)
    /// After every complete pass. `isCheckpointDue` follows the recipe's `checkpoint_every`.
    func epochEnded(_ record: EpochRecord, _ training: ProcedureTraining) throws
}

/// A training run by a procedure, which says what the model is and trains it; writes the archive as it goes.
///
/// ```swift
/// let recipe = try Recipe.load("words.yaml", registry: Lamina.registry)
/// try ProcedureTraining(recipe, archive: "words.lamina").start()
/// ```
public final class ProcedureTraining: @unchecked Sendable {
    public struct Progress: Sendable {
        /// From 1: the running epoch.
        public var epoch: Int
        public var epochs: Int
        /// Of the whole training, 0 to 1.
        public var fraction: Double
        /// Mean of the epoch so far; nil: the procedure tells none.
        public var meanLoss: Double?
        /// "words"
        public var itemName: String
        public var itemsPerSecond: Double
        public var secondsLeft: Double?
    }

    public let model: Model
    public let driver: ProcedureDriver
    /// Where checkpoints and the finished model go; nil: nowhere.
    public let path: String?
    public private(set) var state: ProcedureState

    public var recipe: Recipe { driver.recipe }
    private var runtime: Runtime { model.registry.runtime }

    /// Creates the procedure, has it define the model, and gives all tensors their initial values.
    ///
    /// - Parameters:
    ///   - resume: go on from the checkpoint in `archive`, which has to be of the same model.
    ///   - progress: how far a long definition is, 0 to 1, and what is being done.
    public init(
        _ recipe: Recipe, archive path: String? = nil, resume: Bool = false, registry: Registry = Lamina.registry,
        progress: @escaping (Double, String) -> Void = { _, _ in }
    ) throws(LaminaError) {
        self.path = path
        if let path { try Model.checkWritable(path) }
        if let threads = recipe.training.threads { Lamina.threads = threads }
        let driver = try sorted { try ProcedureDriver(recipe, registry: registry, progress: progress) }
        self.driver = driver
        let model = try Model(recipe, defined: driver.definition.model, registry: registry)
        self.model = model
        model.assets = driver.definition.assets
        model.procedure = driver.id
        driver.attach(model.network.parameters)
        state = ProcedureState(procedure: driver.id, seed: recipe.training.seed)
        if resume {
            guard let path else { throw LaminaError(.usage, "there is no archive to resume from") }
            try restore(path)
        } else {
            try sorted { try driver.start() }
        }
    }

    private func restore(_ path: String) throws(LaminaError) {
        try sorted {
            let archive = try Archive.open(path)
            guard archive.contains(EntryName.trainerState), archive.contains(EntryName.optimizerState) else {
                throw LaminaError(.usage, "\(path) holds no training state to resume from: train without --resume")
            }
            do {
                let state = try ProcedureState(json: archive.json(EntryName.trainerState))
                if let change = state.change(to: self.state) { throw LaminaError(.recipe, "\(path) \(change)") }
                guard try archive.json(EntryName.graph) == model.graph.definition.json else {
                    throw LaminaError(
                        .recipe,
                        "\(path) holds another model than '\(driver.id)' makes now: the data or its attributes have "
                            + "changed since the checkpoint; train without --resume")
                }
                let weights = try archive.tensors(EntryName.weights)
                try model.network.parameters.load(
                    weights.tensors.compactMap { tensor in
                        DataType(tensor.dtype).map { (tensor.name, $0, tensor.shape, weights.address(of: tensor)) }
                    })
                let states = try archive.tensors(EntryName.optimizerState)
                for own in driver.states {
                    guard let tensor = states.tensor(own.name), tensor.dtype == own.dtype.safetensors,
                        tensor.shape == own.shape
                    else {
                        throw LaminaError(
                            .recipe,
                            "\(path) has no state '\(own.name)' \(own.shape) of '\(driver.id)': "
                                + "it was trained with other attributes; train without --resume")
                    }
                    let bytes = states.bytes(of: tensor)
                    if bytes.count > 0 { own.data.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count) }
                }
                try driver.restore(state.own)
                self.state = state
                if state.epochs < recipe.training.epochs { self.state.goOn() }
            } catch let error as LaminaError where error.kind == .recipe {
                throw error
            } catch {
                throw LaminaError(error).inArchive(path)
            }
        }
    }

    /// Trains to the end, or until `Runtime.shared.isCancelled`; writes a checkpoint when it is due and at the end.
    @discardableResult
    public func start(_ observer: (any ProcedureObserver)? = nil) throws(LaminaError) -> Trainer.Outcome {
        try sorted {
            var meter = Meter(state)
            while !state.isFinished {
                if runtime.isCancelled {
                    runtime.isCancelled = false
                    try writeCheckpoint()
                    return .interrupted
                }
                let step: ProcedureDriver.Progress
                do {
                    step = try driver.step()
                } catch let error as TrainingError where error.kind == .interrupted {
                    runtime.isCancelled = true
                    continue
                }
                let before = state.epochs
                state.add(step)
                meter.add(step)
                observer?.stepEnded(meter.progress(state, recipe.training.epochs, driver.itemName))
                guard state.epochs > before || state.isFinished else { continue }
                let record = meter.endEpoch(&state)
                if state.epochs % max(1, recipe.training.checkpointEvery) == 0 || state.isFinished {
                    try writeCheckpoint()
                }
                if let record { try observer?.epochEnded(record, self) }
            }
            return .finished
        }
    }

    /// Writes model and state now.
    public func writeCheckpoint() throws(LaminaError) {
        try sorted {
            try driver.publish()
            model.network.parametersChanged()
            // A model with values that are not finite is never saved.
            if let (name, value) = model.network.parameters.firstNonFinite {
                throw LaminaError(
                    .diverged,
                    "training diverged in epoch \(state.epochs + 1): parameter '\(name)' holds the value \(value); "
                        + "lower the learning rate")
            }
            state.own = try driver.save()
            if let path { try model.save(to: path, checkpoint: .init(self)) }
        }
    }

    /// Speed and loss of the running epoch.
    private struct Meter {
        private let begin = Clock.now
        private let fraction: Double
        private var epochBegin = Clock.now
        private var items = 0.0
        private var lossSum = 0.0
        private var lossCount = 0.0

        init(_ state: ProcedureState) { fraction = state.fraction }

        mutating func add(_ step: ProcedureDriver.Progress) {
            items += step.items
            if step.loss_count > 0 { (lossSum, lossCount) = (lossSum + step.loss_sum, lossCount + step.loss_count) }
        }

        private var meanLoss: Double? { lossCount > 0 ? lossSum / lossCount : nil }

        func progress(_ state: ProcedureState, _ epochs: Int, _ itemName: String) -> Progress {
            let seconds = Clock.now - begin
            let done = state.fraction - fraction
            return Progress(
                epoch: min(state.epochs + 1, epochs), epochs: epochs, fraction: state.fraction, meanLoss: meanLoss,
                itemName: itemName, itemsPerSecond: items / max(Clock.now - epochBegin, 1e-9),
                secondsLeft: done > 0.01 ? seconds * (1 - state.fraction) / done : nil)
        }

        /// Adds the epoch to the history; nil: nothing was done since the last.
        mutating func endEpoch(_ state: inout ProcedureState) -> EpochRecord? {
            guard items > 0 || state.history.isEmpty else { return nil }
            let seconds = Clock.now - epochBegin
            let record = EpochRecord(
                epoch: state.epochs, step: state.steps, trainLoss: meanLoss ?? 0,
                learningRateFactor: state.learningRateFactor, values: [], seconds: seconds,
                samplesPerSecond: items / max(seconds, 1e-9))
            state.history.append(record)
            (items, lossSum, lossCount, epochBegin) = (0, 0, 0, Clock.now)
            return record
        }
    }
}
