import LaminaFormats

/// Where a training run stands: with the parameters and the optimizer's states, all that resuming needs.
///
/// Random numbers need nothing here: every stream is a function of the seed, the epoch and the batch number.
public struct TrainerState: Sendable, Equatable {
    /// The epoch that is running or comes next, from 0.
    public var epoch = 0
    /// Batches of that epoch that are done.
    public var batchInEpoch = 0
    /// Batches done in all: the number behind random streams.
    public var batch: UInt64 = 0
    /// Optimizer steps done.
    public var step: UInt64 = 0
    /// Of the running epoch: sum of losses times samples, and samples.
    public var lossSum = 0.0
    public var samples = 0
    public var seed: UInt64 = 0
    /// Early stopping: the best value so far and the epochs since.
    public var best: Double?
    public var epochsWithoutImprovement = 0
    public var history: [EpochRecord] = []

    public init(seed: UInt64) { self.seed = seed }
}

/// What one epoch gave: a row of the history.
public struct EpochRecord: Sendable, Equatable {
    /// From 1.
    public var epoch: Int
    public var step: UInt64
    public var trainLoss: Double
    public var learningRateFactor: Double
    /// "validation_loss", "test_accuracy", …
    public var values: [(name: String, value: Double)]
    public var seconds: Double
    public var samplesPerSecond: Double

    public static func == (a: EpochRecord, b: EpochRecord) -> Bool { a.json == b.json }
}

extension EpochRecord {
    public var json: JSON {
        [
            "epoch": .integer(Int64(epoch)), "step": .integer(Int64(step)), "train_loss": .number(trainLoss),
            "learning_rate_factor": .number(learningRateFactor),
            "values": .object(JSONObject(values.map { ($0.name, .number($0.value)) })), "seconds": .number(seconds),
            "samples_per_second": .number(samplesPerSecond),
        ]
    }

    init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        epoch = try fields.read("epoch")
        step = UInt64(clamping: try fields.read("step", as: Int64.self))
        trainLoss = try fields.read("train_loss")
        learningRateFactor = try fields.read("learning_rate_factor")
        values = []
        for member in try fields.read("values", as: JSONObject.self).members {
            // JSON has no NaN, which a metric without a single sample of a class may be.
            let isNaN = if case .null = member.value { true } else { false }
            values.append(
                (member.key, isNaN ? .nan : try Double(json: member.value, at: "\(path).values.\(member.key)")))
        }
        seconds = try fields.read("seconds")
        samplesPerSecond = try fields.read("samples_per_second")
        try fields.finish()
    }
}

extension TrainerState {
    /// The content of `state/trainer.json`.
    public var json: JSON {
        var object = JSONObject([
            ("epoch", .integer(Int64(epoch))), ("batch_in_epoch", .integer(Int64(batchInEpoch))),
            ("batch", .integer(Int64(batch))), ("step", .integer(Int64(step))), ("loss_sum", .number(lossSum)),
            ("samples", .integer(Int64(samples))), ("seed", .string("\(seed)")),
            ("epochs_without_improvement", .integer(Int64(epochsWithoutImprovement))),
        ])
        if let best { object.append("best", .number(best)) }
        object.append("history", .array(history.map(\.json)))
        return .object(object)
    }

    public init(json: JSON) throws(JSONError) {
        var fields = try JSONFields(json, at: "trainer")
        epoch = try fields.read("epoch")
        batchInEpoch = try fields.read("batch_in_epoch")
        batch = UInt64(clamping: try fields.read("batch", as: Int64.self))
        step = UInt64(clamping: try fields.read("step", as: Int64.self))
        lossSum = try fields.read("loss_sum")
        samples = try fields.read("samples")
        let seedText: String = try fields.read("seed")
        guard let seed = UInt64(seedText) else {
            throw JSONError(
                .wrongValue, "'\(seedText)' is no seed, wanted a number from 0 to 2^64 - 1", path: "trainer.seed")
        }
        self.seed = seed
        epochsWithoutImprovement = try fields.read("epochs_without_improvement")
        best = try fields.readIfPresent("best")
        for (index, record) in try fields.read("history", as: [JSON].self).enumerated() {
            history.append(try EpochRecord(json: record, at: "trainer.history[\(index)]"))
        }
        try fields.finish()
        guard epoch >= 0, batchInEpoch >= 0, samples >= 0 else {
            throw JSONError(.wrongValue, "epoch, batch and sample numbers are never negative", path: "trainer")
        }
    }
}
