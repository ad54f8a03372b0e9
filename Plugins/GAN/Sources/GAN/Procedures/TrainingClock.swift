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

    /// Goes on behind as many steps as a checkpoint says.
    mutating func resume(_ steps: Int) throws {
        guard (0...1 << 40).contains(steps) else {
            throw PluginError.data("the checkpoint is behind \(steps) steps, which cannot be: it is damaged")
        }
        self.steps = steps
    }

    /// The state of a procedure that has no other.
    func save() -> String { JSON.object(["steps": .integer(Int64(steps))]).text() }

    /// Goes on from what `save` gave.
    mutating func restore(_ json: String) throws {
        var fields = try JSONFields(JSON.parse(json), at: "state")
        try resume(fields.read("steps"))
        try fields.finish()
    }
}
