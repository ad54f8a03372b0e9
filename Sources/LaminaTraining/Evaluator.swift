import CLamina
import LaminaGraph
import LaminaHost
import LaminaRecipe

/// Loss and metrics of a model on a dataset.
public final class Evaluator: @unchecked Sendable {
    public struct Result: Sendable {
        public let samples: Int
        /// The mean over samples of the batches' losses; nil without a loss.
        public let loss: Double?
        /// Per metric: its id, a name that no other metric has, and what it gave.
        public let metrics: [(id: String, name: String, higherIsBetter: Bool, result: MetricDriver.Result)]

        /// All values by short name, each name once: what goes into a history.
        public var values: [(name: String, value: Double)] {
            var names = UniqueNames([Recipe.EarlyStopping.loss])
            return metrics.flatMap { metric in
                metric.result.values.map { (names.take(metric.name, $0.name), $0.value) }
            }
        }

        /// All matrices by short name, each name once.
        public var matrices: [(name: String, matrix: MetricDriver.Result.Matrix)] {
            var names = UniqueNames()
            return metrics.flatMap { metric in
                metric.result.matrices.map { (names.take(metric.name, $0.name), $0) }
            }
        }

        /// What early stopping watches: "loss", a metric's id, or its id and the name of one of its values.
        ///
        /// Errors: `.recipe` when nothing has that name; it lists those that exist.
        func watched(_ name: String) throws(TrainingError) -> (value: Double, higherIsBetter: Bool) {
            var known: [(name: String, value: Double, higherIsBetter: Bool)] = []
            if let loss { known.append((Recipe.EarlyStopping.loss, loss, false)) }
            for metric in metrics {
                for (index, value) in metric.result.values.enumerated() {
                    // The first value is the metric's main one, whatever it is called.
                    if index == 0 { known.append((metric.id, value.value, metric.higherIsBetter)) }
                    if !value.name.isEmpty {
                        known.append(("\(metric.id).\(value.name)", value.value, metric.higherIsBetter))
                    }
                }
            }
            guard let found = known.first(where: { $0.name == name }) else {
                throw TrainingError(
                    .recipe,
                    "early_stopping watches '\(name)', which no metric gives; wanted one of "
                        + known.map { "'\($0.name)'" }.joined(separator: ", "))
            }
            return (found.value, found.higherIsBetter)
        }

        /// The first square matrix, if a metric gives one: the confusion matrix of a classifier.
        public var confusion: MetricDriver.Result.Matrix? {
            metrics.lazy.flatMap(\.result.matrices).first { $0.rows == $0.columns }
        }
    }

    /// Changes each batch where it lies, with the same random numbers in every evaluation.
    public var beforeBatch: ((BatchMoment) throws(TrainingError) -> Void)?

    private let network: Network
    private let dataset: Dataset
    private let metrics: [MetricDriver]
    private let samples: [Int64]
    private let batchSize: Int
    private let slots: [Batch]
    private let carried: CarriedStates?
    /// The output that metrics compare with the target: what the loss reads, if that is an output.
    private let measuredOutput: Int

    /// - Parameter samples: indices to evaluate on; nil: all.
    public init(
        _ network: Network, _ dataset: Dataset, metrics: [Recipe.Component], samples: [Int64]? = nil, batchSize: Int
    ) throws(TrainingError) {
        self.network = network
        self.dataset = dataset
        var drivers: [MetricDriver] = []
        var names = UniqueNames([Recipe.EarlyStopping.loss])
        for metric in metrics {
            let name = names.take(metric.id.split(separator: ".").last.map(String.init) ?? metric.id)
            drivers.append(try MetricDriver(metric, name: name, registry: network.graph.registry))
        }
        self.metrics = drivers
        measuredOutput = network.graph.definition.measuredOutput ?? 0
        let chosen = samples ?? (0..<Int64(dataset.count)).map { $0 }
        // Texts of like length in one batch need less padding; results do not depend on the order.
        self.samples = SampleOrder.byLength(chosen, dataset)
        carried = try CarriedStates(network.graph, lanes: dataset.lanes)
        self.batchSize = dataset.lanes ?? max(1, min(batchSize, self.samples.count))
        slots = [try Batch(dataset, capacity: self.batchSize), try Batch(dataset, capacity: self.batchSize)]
    }

    /// Runs over all samples. `progress` gets the number of samples done and of all.
    public func run(seed: UInt64 = 0, progress: ((Int, Int) -> Void)? = nil) throws(TrainingError) -> Result {
        metrics.forEach { $0.reset() }
        var lossSum = 0.0
        var done = 0
        var number: UInt64 = 0
        // States begin with zeros, in the middle of a stream, too.
        var continues = false
        let hasTarget = dataset.hasTarget
        let loader = samples.withUnsafeBufferPointer { samples in
            BatchLoader(slots, indices: samples, batchSize: batchSize, isTraining: false, seed: seed, firstStep: 0)
        }
        // `samples` is never changed, so its storage outlives the loader.
        defer { loader.stop() }
        while let batch = try loader.next() {
            let count = batch.count
            do {
                let plan = try network.plan(batch.request(target: network.graph.definition.loss != nil))
                batch.copy(to: plan)
                carried?.give(to: plan, continues: continues && batch.continuesPrevious)
                if let beforeBatch, plan.target != nil {
                    try beforeBatch(
                        BatchMoment(
                            inputs: plan.inputs, target: plan.target, step: 0, stepsPerEpoch: 0, totalSteps: 0, seed: 0,
                            batch: number))
                }
                number += 1
                try network.forward(plan, seed: seed)
                carried?.take(from: plan)
                continues = true
                if let loss = plan.loss { lossSum += Double(loss.floats[0]) * Double(count) }
                if hasTarget, let given = batch.target {
                    let changed = beforeBatch == nil ? nil : plan.target?.raw
                    for metric in metrics {
                        try metric.update(plan.outputs[measuredOutput].raw, changed ?? UnsafePointer(given.raw))
                    }
                }
            } catch let error as GraphError {
                throw TrainingError(error)
            } catch let error as TrainingError {
                throw error
            } catch {
                throw TrainingError(.internal, "\(error)")
            }
            done += count
            progress?(done, samples.count)
        }
        var results: [(id: String, name: String, higherIsBetter: Bool, result: MetricDriver.Result)] = []
        for metric in metrics where hasTarget {
            results.append((metric.id, metric.name, metric.higherIsBetter, try metric.result()))
        }
        let hasLoss = network.graph.definition.loss != nil && hasTarget && done > 0
        return Result(samples: done, loss: hasLoss ? lossSum / Double(done) : nil, metrics: results)
    }
}
