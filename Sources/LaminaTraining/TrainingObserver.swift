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
