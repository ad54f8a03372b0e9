import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe

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
    public internal(set) var state: TrainerState
    public let trainingData: Dataset
    public let testData: Dataset?
    /// What epochs are evaluated on: "validation", or "test" when there is no validation data; nil: nothing.
    public let evaluationName: String?

    let evaluator: Evaluator?
    let samples: [Int64]
    /// Samples that are trained on: all of the training data, or what validation leaves of them.
    public var sampleCount: Int { samples.count }
    let slots: [Batch]
    let schedule: ScheduleDriver?
    /// What the last batch handed on to the next one; nil: the model carries nothing.
    public let carried: CarriedStates?
    public let batchSize: Int
    let accumulate: Int
    /// Called with every batch of training where it lies, before its step; it may change the values.
    public var beforeBatch: ((BatchMoment) throws(TrainingError) -> Void)?
    /// Changes each batch of validation and test before it is evaluated.
    public var beforeEvaluation: ((BatchMoment) throws(TrainingError) -> Void)? {
        didSet { evaluator?.beforeBatch = beforeEvaluation }
    }
    var fullPlan: Plan?
    var runtime: Runtime { network.graph.registry.runtime }

    public var stepsPerEpoch: Int { (batchesPerEpoch + accumulate - 1) / accumulate }
    var batchesPerEpoch: Int { (samples.count + batchSize - 1) / batchSize }
    /// The last evaluation, for reports.
    public internal(set) var lastEvaluation: Evaluator.Result?

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
        state = TrainerState(
            seed: training.seed,
            setup: .init(
                training, trainingData.source, data,
                frozen: network.graph.parameters.filter(\.isFrozen).map(\.name)))
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
        return network.graph.trainedCount * 4 + (fullPlan?.arenaBytes ?? 0) + scratch
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
}
