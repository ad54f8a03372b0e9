import LaminaGraph

/// A step: the next batches forward and backward, then the optimizer.
extension Trainer {
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

    func learningRateFactor(at step: UInt64) throws(TrainingError) -> Double {
        try schedule?.factor(
            step: step, stepsPerEpoch: UInt64(stepsPerEpoch), totalSteps: UInt64(stepsPerEpoch * recipe.training.epochs)
        ) ?? 1
    }

    func diverged(_ what: String, _ plan: Plan? = nil) throws(TrainingError) -> TrainingError {
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
