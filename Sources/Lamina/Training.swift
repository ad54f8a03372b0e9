import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

/// A training run of a model: from a recipe, or resumed from a checkpoint; writes the archive as it goes.
///
/// ```swift
/// let recipe = try Recipe.load("fashion-mnist.yaml", registry: Lamina.registry)
/// let run = try TrainingRun(recipe, archive: "fashion-mnist.lamina")
/// try run.start()
/// ```
public final class TrainingRun: @unchecked Sendable {
    public let model: Model
    public let trainer: Trainer
    /// Where checkpoints and the finished model go; nil: nowhere.
    public let path: String?
    /// After resuming: what the recipe says of the optimizer and did not say when the checkpoint was written, as in
    /// "clip_norm none → 1". The run goes on with the recipe's.
    public private(set) var optimizerChanges: [String] = []

    /// Prepares a run: graph, initial weights, data, optimizer.
    ///
    /// - Parameters:
    ///   - resume: go on from the checkpoint in `archive`, which has to be of the same model.
    ///   - whole: the archive holds the whole model even where it could be a difference from the recipe's base.
    public init(
        _ recipe: Recipe, archive path: String? = nil, resume: Bool = false, whole: Bool = false,
        registry: Registry = Lamina.registry
    ) throws(LaminaError) {
        self.path = path
        if let path { try Model.checkWritable(path) }
        if let threads = recipe.training.threads { Lamina.threads = threads }
        let model = try Model(recipe, registry: registry)
        self.model = model
        if whole { model.base = nil }
        if let path { try model.checkBase(for: path) }
        let recipe = model.recipe!
        let checkpoint = try resume ? Self.checkpoint(path, recipe) : nil
        trainer = try sorted {
            let source = checkpoint ?? model.origin
            let tokenizers = try source.map { try Model.tokenizers(in: $0, recipe, registry) } ?? [:]
            let trainer = try Trainer(recipe, model.network, tokenizers: tokenizers)
            model.learnFrom(trainer.trainingData)
            trainer.beforeBatch = try model.transforming(recipe.training.batchTransforms)
            trainer.beforeEvaluation = try model.transforming(recipe.training.batchTransforms, isEvaluation: true)
            return trainer
        }
        if let checkpoint { try restore(checkpoint) }
    }

    /// The archive that a run goes on from; if it is a delta, its base is the recipe's.
    private static func checkpoint(_ path: String?, _ recipe: Recipe) throws(LaminaError) -> ArchiveChain {
        guard let path else { throw LaminaError(.usage, "there is no archive to resume from") }
        return try sorted {
            let archive = try Archive.open(path)
            return try ArchiveChain.open(archive, base: archive.manifest.base == nil ? nil : recipe.base?.path)
        }
    }

    private func restore(_ checkpoint: ArchiveChain) throws(LaminaError) {
        try sorted {
            let archive = checkpoint.archive
            let path = archive.path
            func reading<Value>(_ body: () throws -> Value) throws -> Value {
                do {
                    return try body()
                } catch {
                    throw LaminaError(error).inArchive(path)
                }
            }
            guard archive.contains(EntryName.trainerState), archive.contains(EntryName.optimizerState) else {
                throw LaminaError(.usage, "\(path) holds no training state to resume from: train without --resume")
            }
            // What is trained on is written again, with new hashes: no fault may get in.
            try reading { try checkpoint.verify() }
            let progress = try reading { try archive.json(EntryName.trainerState) }
            guard progress["procedure"] == nil else {
                throw LaminaError(
                    .recipe,
                    "\(path): it was trained by a procedure, the recipe trains on a dataset: train without --resume")
            }
            guard try reading({ try archive.json(EntryName.graph) }) == model.graph.definition.json else {
                throw LaminaError(
                    .recipe,
                    "\(path) holds another network than the recipe describes: a resumed run cannot change its layers or "
                        + "loss, nor take a plugin whose blocks expand in another way; train anew, --from \(path) to keep its values"
                )
            }
            // Read before anything is changed.
            let state = try reading { try TrainerState(json: progress) }
            let states = try reading { try archive.tensors(EntryName.optimizerState) }
            try trainer.resume(state)
            try reading { try StoredValues(checkpoint).load(into: model.network.parameters, writable: true) }
            for state in trainer.optimizer.states {
                try copy(states, state.name, state.dtype, state.shape, to: state.data, from: path)
            }
            for state in trainer.carried?.states ?? [] {
                try copy(states, state.name, state.dtype, state.shape, to: state.data, from: path)
            }
            model.network.parametersChanged()
            if let recorded = archive.manifest.training["recipe"]?["optimizer"], let recipe = model.recipe {
                let now = recipe.json()["optimizer"] ?? .null
                optimizerChanges = recorded == now ? [] : recorded.changes(to: now)
            }
        }
    }

    private func copy(
        _ file: SafetensorsFile, _ name: String, _ dtype: DataType, _ shape: [Int], to data: UnsafeMutableRawPointer,
        from path: String
    ) throws {
        guard let tensor = file.tensor(name), tensor.dtype == dtype.safetensors, tensor.shape == shape else {
            throw LaminaError(
                .recipe, "\(path) has no state '\(name)' \(shape): a resumed run cannot change its optimizer or batch")
        }
        let bytes = file.bytes(of: tensor)
        if bytes.count > 0 { data.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count) }
    }

    /// Trains to the end, or until `Runtime.shared.isCancelled`; writes a checkpoint when it is due and at the end.
    @discardableResult
    public func start(_ observer: (any TrainingObserver)? = nil) throws(LaminaError) -> Trainer.Outcome {
        try sorted {
            let outcome = try trainer.run(Checkpointer(self, observer))
            if outcome == .interrupted {
                // It is answered.
                Runtime.shared.isCancelled = false
                try writeCheckpoint()
            }
            return outcome
        }
    }

    /// Writes model, optimizer and state now.
    public func writeCheckpoint() throws(LaminaError) {
        guard let path else { return }
        // It runs components, which must not give up.
        try sorted { try model.registry.runtime.uninterrupted { try model.save(to: path, checkpoint: .init(trainer)) } }
    }

    /// Saves when the trainer says so, then passes everything on.
    private final class Checkpointer: TrainingObserver {
        let run: TrainingRun
        let next: (any TrainingObserver)?

        init(_ run: TrainingRun, _ next: (any TrainingObserver)?) {
            self.run = run
            self.next = next
        }

        func trainingStarts(_ trainer: Trainer) { next?.trainingStarts(trainer) }
        func stepEnded(_ progress: TrainingProgress) { next?.stepEnded(progress) }
        func evaluating(_ done: Int, _ total: Int) { next?.evaluating(done, total) }
        func tested(_ result: Evaluator.Result) throws { try next?.tested(result) }
        func epochEnded(
            _ record: EpochRecord, _ evaluation: Evaluator.Result?, isCheckpointDue: Bool, _ trainer: Trainer
        ) throws {
            if isCheckpointDue { try run.writeCheckpoint() }
            try next?.epochEnded(record, evaluation, isCheckpointDue: isCheckpointDue, trainer)
        }
    }
}
