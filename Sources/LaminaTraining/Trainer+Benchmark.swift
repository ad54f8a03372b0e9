import LaminaGraph

extension Trainer {
    /// Reads the first full batch, for `repeatStep`.
    public func readFirstBatch() throws(TrainingError) {
        let first = Array(samples.prefix(batchSize))
        var result: Result<Void, TrainingError> = .success(())
        first.withUnsafeBufferPointer { indices in
            do throws(TrainingError) {
                try slots[0].fill(indices, isTraining: true, seed: recipe.training.seed, step: 0)
            } catch {
                result = .failure(error)
            }
        }
        try result.get()
        if trainingData.hasVariableShapes { fullPlan = try plan(slots[0]) }
    }

    /// The plan of a step on a full batch.
    public var stepPlan: Plan { fullPlan.unsafelyUnwrapped }

    /// Forward, backward and update on the batch that `readFirstBatch` read; the run's own state stays as it is.
    ///
    /// - Parameters:
    ///   - step: from 1, for the optimizer.
    ///   - beforeUpdate: called between backward and the update.
    public func repeatStep(_ step: UInt64, beforeUpdate: () -> Void = {}) throws(TrainingError) {
        let plan = stepPlan
        network.bind(plan)
        slots[0].copy(to: plan)
        carried?.give(to: plan, continues: false)
        do {
            try network.forward(plan, seed: recipe.training.seed, step: step)
            try network.backward(plan, seed: recipe.training.seed, step: step)
        } catch {
            throw TrainingError(error)
        }
        beforeUpdate()
        try optimizer.step(step, learningRateFactor: 1, gradientScale: 1)
    }
}
