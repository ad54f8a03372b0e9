/// What one epoch of training gave: a row of the history.
public struct HistoryRow: Sendable {
    /// From 1.
    public var epoch: Int
    /// Optimizer steps done at the end of the epoch.
    public var step: UInt64
    public var trainLoss: Double
    /// What was measured after the epoch, named by data and measure: "validation_loss", "test_accuracy", …
    public var values: [(name: String, value: Double)]
    /// The schedule's factor at the last step of the epoch.
    public var learningRateFactor: Double
    public var seconds: Double
    public var samplesPerSecond: Double

    public init(
        epoch: Int, step: UInt64, trainLoss: Double, values: [(name: String, value: Double)],
        learningRateFactor: Double,
        seconds: Double, samplesPerSecond: Double
    ) {
        self.epoch = epoch
        self.step = step
        self.trainLoss = trainLoss
        self.values = values
        self.learningRateFactor = learningRateFactor
        self.seconds = seconds
        self.samplesPerSecond = samplesPerSecond
    }
}
