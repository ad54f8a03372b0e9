import LaminaHost

/// The loop over epochs: evaluation, early stopping, interruption.
extension Trainer {
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
}
