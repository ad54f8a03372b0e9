import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe

/// Watches a training run: progress bars, history files, checkpoints.
public protocol TrainingObserver: AnyObject {
    func trainingStarts(_ trainer: Trainer)
    /// After every optimizer step; has to be quick.
    func stepEnded(_ progress: TrainingProgress)
    /// While the model is evaluated: samples done, samples in all.
    func evaluating(_ done: Int, _ total: Int)
    /// After every epoch, evaluated. `isCheckpointDue` follows the recipe's `checkpoint_every`.
    func epochEnded(_ record: EpochRecord, _ evaluation: Evaluator.Result?, isCheckpointDue: Bool, _ trainer: Trainer)
        throws
    /// At the end, when there are test data that the epochs were not evaluated on.
    func tested(_ result: Evaluator.Result) throws
}

/// Where a running epoch stands.
public struct TrainingProgress: Sendable {
    /// From 1.
    public var epoch: Int
    public var epochs: Int
    public var stepInEpoch: Int
    public var stepsPerEpoch: Int
    /// Mean loss of the epoch so far.
    public var meanLoss: Double
    public var samplesPerSecond: Double
}

/// Trains a network as a recipe says: epochs, steps, evaluation, early stopping; interruptible and resumable.
///
/// A resumed run has bit for bit the parameters of an uninterrupted one. A steady step
/// keeps nothing on the heap; its forward, backward and update make no allocation of their own.
public final class Trainer: @unchecked Sendable {
    public enum Outcome: Sendable, Equatable {
        case finished
        /// Validation did not get better for the recipe's patience.
        case stoppedEarly
        /// The user asked to stop; the state says where to go on.
        case interrupted
    }

    public let recipe: Recipe
    public let network: Network
    public let optimizer: OptimizerDriver
    public private(set) var state: TrainerState
    public let trainingData: Dataset
    public let testData: Dataset?
    /// What epochs are evaluated on: "validation", or "test" when there is no validation data; nil: nothing.
    public let evaluationName: String?

    private let evaluator: Evaluator?
    let samples: [Int64]
    /// Samples that are trained on: all of the training data, or what validation leaves of them.
    public var sampleCount: Int { samples.count }
    let slots: [Batch]
    private let schedule: ScheduleDriver?
    /// What the last batch handed on to the next one; nil: the model carries nothing.
    public let carried: CarriedStates?
    public let batchSize: Int
    private let accumulate: Int
    /// Called with every batch of training where it lies, before its step; it may change the values.
    public var beforeBatch: ((BatchMoment) throws(TrainingError) -> Void)?
    /// Changes each batch of validation and test before it is evaluated.
    public var beforeEvaluation: ((BatchMoment) throws(TrainingError) -> Void)? {
        didSet { evaluator?.beforeBatch = beforeEvaluation }
    }
    var fullPlan: Plan?
    private var runtime: Runtime { network.graph.registry.runtime }

    public var stepsPerEpoch: Int { (batchesPerEpoch + accumulate - 1) / accumulate }
    private var batchesPerEpoch: Int { (samples.count + batchSize - 1) / batchSize }
    /// The last evaluation, for reports.
    public private(set) var lastEvaluation: Evaluator.Result?

    /// Opens the datasets and makes optimizer, schedule and metrics.
    ///
    /// - Parameter tokenizers: vocabularies that are known, of the checkpoint that is resumed; others are learned.
    public init(
        _ recipe: Recipe, _ network: Network, tokenizers: [String: TextTokenizer] = [:]
    ) throws(TrainingError) {
        guard let data = recipe.data else { throw TrainingError(.recipe, "the recipe has no 'data' to train on") }
        guard network.graph.definition.loss != nil else {
            throw TrainingError(.recipe, "the recipe has no 'loss' to minimize")
        }
        guard let optimizer = recipe.optimizer else { throw TrainingError(.recipe, "the recipe has no 'optimizer'") }
        guard network.graph.parameters.isEmpty || network.graph.parameters.contains(where: { !$0.isFrozen }) else {
            throw TrainingError(
                .recipe,
                "nothing would be trained: all \(network.graph.parameters.count) parameters are frozen; leave some out of "
                    + "'frozen'")
        }
        self.recipe = recipe
        self.network = network
        let registry = network.graph.registry
        registry.runtime.loadLargeProducts()
        let definition = network.graph.definition
        let training = recipe.training
        trainingData = try Dataset(
            data.train, data, for: definition, hasTarget: true, tokenizers: tokenizers, lanes: training.batch,
            splitBy: training, registry: registry)
        let learned = trainingData.tokenizers
        let origin = Dataset.Origin(
            id: trainingData.source.id, reading: trainingData.source.reading, classes: trainingData.classes)
        state = TrainerState(seed: training.seed, setup: .init(training, trainingData.source, data))
        testData = try data.test.map { test throws(TrainingError) in
            try Dataset(
                test, data, for: definition, hasTarget: true, like: origin, tokenizers: learned, lanes: training.batch,
                registry: registry)
        }
        guard trainingData.count > 0 else { throw TrainingError(.data, "\(data.train.id): the training data is empty") }
        var held: [Int64]?
        var validationData: Dataset?
        if let source = data.validation {
            validationData = try Dataset(
                source, data, for: definition, hasTarget: true, like: origin, tokenizers: learned,
                lanes: training.batch,
                registry: registry)
            samples = (0..<Int64(trainingData.count)).map { $0 }
        } else if let split = try trainingData.split(training) {
            (samples, held, validationData) = (split.training, split.validation, trainingData)
        } else {
            samples = (0..<Int64(trainingData.count)).map { $0 }
        }
        carried = try CarriedStates(network.graph, lanes: trainingData.lanes)
        batchSize = trainingData.lanes ?? max(1, min(training.batch, samples.count))
        accumulate = max(1, training.accumulate)
        slots = [try Batch(trainingData, capacity: batchSize), try Batch(trainingData, capacity: batchSize)]
        evaluationName = validationData != nil ? "validation" : testData != nil ? "test" : nil
        evaluator = try (validationData ?? testData).map { dataset throws(TrainingError) in
            try Evaluator(network, dataset, metrics: recipe.metrics, samples: held, batchSize: max(training.batch, 256))
        }
        // The gradients have to exist before the optimizer is told where they are.
        do {
            // With texts, that of the longest ones, which needs most memory.
            fullPlan = try network.plan(Self.request(trainingData, batchSize, accumulate))
        } catch {
            throw TrainingError(error)
        }
        self.optimizer = try OptimizerDriver(optimizer, network)
        schedule = try optimizer.schedule.map { s throws(TrainingError) in try ScheduleDriver(s, registry: registry) }
    }

    private static func request(_ data: Dataset, _ count: Int, _ accumulate: Int) -> PlanRequest {
        PlanRequest(
            inputs: data.inputShapes(batch: count), target: data.target(batch: count), phase: .training,
            parameterGradients: true, accumulates: accumulate > 1)
    }

    /// Bytes of parameters, gradients, optimizer states, activations and threads' scratch: what training needs by plan.
    public var plannedBytes: Int {
        let states = optimizer.states.reduce(0) { $0 + $1.shape.reduce($1.dtype.size, *) }
        return network.graph.parameterCount * 4 + states + stepBytes
    }

    /// The part that is first used by a step: gradients, activations and threads' scratch.
    public var stepBytes: Int {
        let scratch = (fullPlan?.scratchBytes ?? 0) * runtime.threadCount
        return network.graph.parameterCount * 4 + (fullPlan?.arenaBytes ?? 0) + scratch
    }

    /// Continues from a state that was saved; parameters and optimizer states are loaded separately.
    public func resume(_ state: TrainerState) throws(TrainingError) {
        guard state.seed == recipe.training.seed else {
            throw TrainingError(
                .recipe,
                "the checkpoint was trained with seed \(state.seed), the recipe now says \(recipe.training.seed): "
                    + "a run cannot change its seed; set train.seed=\(state.seed)")
        }
        let setup = self.state.setup
        if let change = state.setup.change(to: setup, isWithinEpoch: state.batchInEpoch > 0) {
            throw TrainingError(.recipe, change)
        }
        guard state.batchInEpoch <= batchesPerEpoch else {
            throw TrainingError(
                .data, "the checkpoint stands at batch \(state.batchInEpoch) of an epoch that has \(batchesPerEpoch)")
        }
        self.state = state
        self.state.setup = setup
    }

    // MARK: The loop

    /// Trains until the recipe's last epoch, early stopping or `Runtime.isCancelled`.
    public func run(_ observer: any TrainingObserver) throws -> Outcome {
        observer.trainingStarts(self)
        var outcome = Outcome.finished
        while state.epoch < recipe.training.epochs {
            guard !isPatienceOver else {
                outcome = .stoppedEarly
                break
            }
            do {
                if try runEpoch(observer) { continue }
            } catch let error as TrainingError where error.kind == .interrupted {
                // The state is that before the call which a component gave up.
            }
            try checkParameters()
            return .interrupted
        }
        if evaluationName == "validation", let testData {
            let evaluator = try Evaluator(
                network, testData, metrics: recipe.metrics, batchSize: max(recipe.training.batch, 256))
            evaluator.beforeBatch = beforeEvaluation
            let result = try evaluator.run(seed: state.seed) { observer.evaluating($0, $1) }
            try observer.tested(result)
        }
        return outcome
    }

    private var isPatienceOver: Bool {
        guard let stopping = recipe.training.earlyStopping else { return false }
        return state.epochsWithoutImprovement >= stopping.patience
    }

    /// One epoch, or the rest of it; false when the user asked to stop.
    private func runEpoch(_ observer: any TrainingObserver) throws -> Bool {
        let begin = Clock.now
        let order = self.order(state.epoch)
        let samplesBefore = state.samples
        let isDone = try order.withUnsafeBufferPointer { order in
            let loader = BatchLoader(
                slots, indices: order, batchSize: batchSize, start: state.batchInEpoch, isTraining: true,
                seed: state.seed,
                firstStep: state.batch)
            defer { loader.stop() }
            while try step(loader) {
                let elapsed = max(Clock.now - begin, 1e-9)
                observer.stepEnded(
                    TrainingProgress(
                        epoch: state.epoch + 1, epochs: recipe.training.epochs,
                        stepInEpoch: (state.batchInEpoch + accumulate - 1) / accumulate, stepsPerEpoch: stepsPerEpoch,
                        meanLoss: state.lossSum / Double(max(state.samples, 1)),
                        samplesPerSecond: Double(state.samples - samplesBefore) / elapsed))
                if runtime.isCancelled { return state.batchInEpoch >= batchesPerEpoch }
            }
            return true
        }
        guard isDone else { return false }
        try endEpoch(seconds: Clock.now - begin, samples: state.samples - samplesBefore, observer)
        return !(runtime.isCancelled && state.epoch < recipe.training.epochs)
    }

    /// The samples of an epoch, batch after batch.
    func order(_ epoch: Int) -> [Int64] {
        let training = recipe.training
        // A stream has the order of its texts.
        guard trainingData.lanes == nil else { return samples }
        let order = SampleOrder.epoch(samples, epoch, shuffles: training.shuffle, seed: state.seed)
        guard let bucket = training.bucket, trainingData.hasVariableShapes else { return order }
        return SampleOrder.bucketed(
            order, epoch, bucket: bucket, batch: batchSize, shuffles: training.shuffle, seed: state.seed,
            length: trainingData.length)
    }

    private func endEpoch(seconds: Double, samples: Int, _ observer: any TrainingObserver) throws {
        var record = EpochRecord(
            epoch: state.epoch + 1, step: state.step, trainLoss: state.lossSum / Double(max(state.samples, 1)),
            learningRateFactor: try learningRateFactor(at: state.step == 0 ? 0 : state.step - 1), values: [],
            seconds: seconds, samplesPerSecond: Double(samples) / max(seconds, 1e-9))
        var evaluation: Evaluator.Result?
        if let evaluator, let name = evaluationName {
            let result = try evaluator.run(seed: state.seed) { observer.evaluating($0, $1) }
            evaluation = result
            if let loss = result.loss {
                guard loss.isFinite else {
                    throw try diverged("the \(name) loss of epoch \(state.epoch + 1) is \(loss)")
                }
                record.values.append(("\(name)_loss", loss))
            }
            record.values += result.values.map { ("\(name)_\($0.name)", $0.value) }
        }
        try checkParameters()
        lastEvaluation = evaluation
        let watched = try watched(evaluation)
        state.history.append(record)
        state.epoch += 1
        (state.batchInEpoch, state.lossSum, state.samples) = (0, 0, 0)
        if let watched { updateEarlyStopping(watched.value, watched.higherIsBetter) }
        let isDue =
            state.epoch % max(1, recipe.training.checkpointEvery) == 0 || state.epoch == recipe.training.epochs
            || isPatienceOver
        try observer.epochEnded(record, evaluation, isCheckpointDue: isDue, self)
    }

    private func watched(
        _ evaluation: Evaluator.Result?
    ) throws(TrainingError) -> (value: Double, higherIsBetter: Bool)? {
        guard let stopping = recipe.training.earlyStopping else { return nil }
        return try evaluation?.watched(stopping.metric)
    }

    private func updateEarlyStopping(_ value: Double, _ higherIsBetter: Bool) {
        let sign = higherIsBetter ? -1.0 : 1.0
        let change = state.best.map { sign * ($0 - value) } ?? .infinity
        // A metric that has no value, such as that of a class without samples, is no improvement.
        if value.isFinite, change > recipe.training.earlyStopping?.minimumChange ?? 0 {
            state.best = value
            state.epochsWithoutImprovement = 0
        } else {
            state.epochsWithoutImprovement += 1
        }
    }

    /// A model with values that are not finite is never saved.
    private func checkParameters() throws(TrainingError) {
        guard let (name, value) = network.parameters.firstNonFinite else { return }
        throw try diverged("parameter '\(name)' holds the value \(value)")
    }

    /// One optimizer step on the next batches; false at the epoch's end.
    func step(_ loader: BatchLoader) throws(TrainingError) -> Bool {
        let before = state
        do {
            return try makeStep(loader)
        } catch {
            // The batches of a step that was not made to its end are read again.
            state = before
            throw error
        }
    }

    private func makeStep(_ loader: BatchLoader) throws(TrainingError) -> Bool {
        var used = 0
        carried?.begin()
        while used < accumulate {
            guard let batch = try loader.next() else { break }
            let count = batch.count
            let plan = try self.plan(batch)
            batch.copy(to: plan)
            carried?.give(to: plan, continues: batch.continuesPrevious)
            try beforeBatch?(
                BatchMoment(
                    inputs: plan.inputs, target: plan.target, step: state.step, stepsPerEpoch: UInt64(stepsPerEpoch),
                    totalSteps: UInt64(stepsPerEpoch * recipe.training.epochs), seed: state.seed, batch: state.batch))
            do {
                try network.forward(plan, seed: state.seed, step: state.batch)
            } catch {
                throw TrainingError(error)
            }
            let loss = Double(plan.loss.unsafelyUnwrapped.floats[0])
            guard loss.isFinite else { throw try diverged("the loss is \(loss)", plan) }
            carried?.take(from: plan)
            do {
                try network.backward(plan, seed: state.seed, step: state.batch, accumulating: used > 0)
            } catch {
                throw TrainingError(error)
            }
            state.lossSum += loss * Double(count)
            state.samples += count
            state.batch += 1
            state.batchInEpoch += 1
            used += 1
        }
        guard used > 0 else { return false }
        let factor = try learningRateFactor(at: state.step)
        state.step += 1
        do {
            try optimizer.step(state.step, learningRateFactor: factor, gradientScale: 1 / Double(used))
        } catch {
            throw error.kind == .diverged ? try diverged(error.text) : error
        }
        carried?.commit()
        return true
    }

    func plan(_ batch: Batch) throws(TrainingError) -> Plan {
        if batch.count == batchSize, !trainingData.hasVariableShapes, let fullPlan {
            // An evaluation on larger batches may have moved the network's memory.
            network.bind(fullPlan)
            return fullPlan
        }
        do {
            var request = batch.request(target: true)
            (request.phase, request.parameterGradients, request.accumulates) = (.training, true, accumulate > 1)
            return try network.plan(request)
        } catch {
            throw TrainingError(error)
        }
    }

    private func learningRateFactor(at step: UInt64) throws(TrainingError) -> Double {
        try schedule?.factor(
            step: step, stepsPerEpoch: UInt64(stepsPerEpoch), totalSteps: UInt64(stepsPerEpoch * recipe.training.epochs)
        ) ?? 1
    }

    private func diverged(_ what: String, _ plan: Plan? = nil) throws(TrainingError) -> TrainingError {
        var origin = ""
        if let plan {
            do {
                let first = try network.firstNonFinite(plan, seed: state.seed, step: state.batch)
                origin = "; the first value that is not finite is in \(first ?? "the loss itself")"
            } catch {
                throw TrainingError(error)
            }
        }
        return TrainingError(
            .diverged,
            "training diverged at epoch \(state.epoch + 1), step \(state.step + 1): \(what)\(origin); "
                + "lower the learning rate or clip gradients (optimizer: clip_norm)")
    }
}
