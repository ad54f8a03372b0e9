import LaminaFormats
import LaminaSDK

/// How far a training is whose steps each take the same number of batches.
struct TrainingClock {
    /// Steps so far.
    private(set) var steps = 0
    let batchesPerStep: Int

    init(batchesPerStep: Int) { self.batchesPerStep = batchesPerStep }

    /// Counts a step, and tells the host; true: an epoch has ended with it.
    mutating func advance(_ run: ProcedureRun, _ networks: Networks, _ progress: inout ProcedureProgress) -> Bool {
        let perEpoch = networks.batchesPerEpoch()
        let before = steps * batchesPerStep / perEpoch
        steps += 1
        let batches = steps * batchesPerStep
        progress.epochs = batches / perEpoch
        progress.fraction = min(1, Double(batches) / Double(perEpoch * max(run.epochs, 1)))
        progress.isFinished = progress.epochs >= run.epochs
        progress.items = Double(networks.batch * batchesPerStep)
        return progress.epochs > before
    }

    mutating func resume(_ steps: Int) { self.steps = steps }
}
