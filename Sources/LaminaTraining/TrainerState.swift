import LaminaFormats
import LaminaRecipe

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

    /// What the run trains on and how: it holds for the whole run.
    public var setup: Setup

    public init(seed: UInt64, setup: Setup) {
        self.seed = seed
        self.setup = setup
    }

    public struct Setup: Sendable, Equatable {
        public var samples: Int
        /// That of the source; nil when it gives none.
        public var fingerprint: String?
        public var batch: Int
        public var accumulate: Int
        public var validate: Double?
        public var shuffle: Bool
        public var bucket: Int?
        /// What the recipe says of texts, as JSON.
        public var texts: JSONObject?
        /// Names of parameters that are not trained.
        public var frozen: [String]

        init(_ training: Recipe.Training, _ source: DataSource, _ data: Recipe.Datasets, frozen: [String]) {
            self.frozen = frozen
            samples = source.count
            fingerprint = source.fingerprint
            (batch, accumulate) = (training.batch, training.accumulate)
            (validate, shuffle, bucket) = (training.validate, training.shuffle, training.bucket)
            guard !data.texts.isEmpty else { return }
            texts = JSONObject(
                data.texts.map { entry in
                    let tokenizer = entry.tokenizer.map { JSON.object([$0.id: .object($0.attributes)]) }
                    return (entry.name, .object(entry.json(tokenizer)))
                })
        }

        /// What keeps a run with this setup from going on with `new`, and what to do; nil: nothing.
        ///
        /// Within an epoch, the batches that are done have to be the first ones of the new order.
        func change(to new: Setup, isWithinEpoch: Bool) -> String? {
            func text(_ name: String, _ old: String, _ new: String) -> String {
                "the checkpoint was trained with \(name): \(old), the recipe now says \(new): a run cannot change it"
                    + (isWithinEpoch ? " within an epoch" : "") + "; set train.\(name)=\(old)"
            }
            if samples != new.samples || fingerprint != new.fingerprint {
                let what = samples == new.samples ? "other values" : "\(samples) samples, now \(new.samples)"
                return "the training data changed since the checkpoint (it had \(what)): "
                    + "train on the same data, or anew without --resume"
            }
            if validate != new.validate {
                return text("validate", validate.map { "\($0)" } ?? "null", new.validate.map { "\($0)" } ?? "null")
            }
            if shuffle != new.shuffle { return text("shuffle", "\(shuffle)", "\(new.shuffle)") }
            if texts != new.texts {
                return "the recipe's 'data.text' is not that of the checkpoint: a run cannot change it; "
                    + "train anew without --resume"
            }
            if let name = Set(frozen).symmetricDifference(new.frozen).min() {
                return
                    "the checkpoint was trained with '\(name)' \(frozen.contains(name) ? "frozen" : "not frozen"), the recipe now "
                    + "says otherwise: a run cannot change 'model.frozen'; begin a new one with --from"
            }
            guard isWithinEpoch else { return nil }
            if bucket != new.bucket {
                return text("bucket", bucket.map { "\($0)" } ?? "null", new.bucket.map { "\($0)" } ?? "null")
            }
            if batch != new.batch { return text("batch", "\(batch)", "\(new.batch)") }
            if accumulate != new.accumulate { return text("accumulate", "\(accumulate)", "\(new.accumulate)") }
            return nil
        }
    }
}

extension TrainerState.Setup {
    var json: JSON {
        var object = JSONObject([
            ("samples", .integer(Int64(samples))), ("batch", .integer(Int64(batch))),
            ("accumulate", .integer(Int64(accumulate))), ("shuffle", .bool(shuffle)),
        ])
        object["fingerprint"] = fingerprint.map { .string($0) }
        object["validate"] = validate.map { .number($0) }
        object["bucket"] = bucket.map { .integer(Int64($0)) }
        object["texts"] = texts.map { .object($0) }
        if !frozen.isEmpty { object["frozen"] = .array(frozen.map { .string($0) }) }
        return .object(object)
    }

    init(json: JSON) throws(JSONError) {
        var fields = try JSONFields(json, at: "trainer.setup")
        samples = try fields.read("samples")
        fingerprint = try fields.readIfPresent("fingerprint")
        batch = try fields.read("batch")
        accumulate = try fields.read("accumulate")
        validate = try fields.readIfPresent("validate")
        shuffle = try fields.read("shuffle")
        bucket = try fields.readIfPresent("bucket")
        texts = try fields.readIfPresent("texts")
        frozen = try fields.readIfPresent("frozen") ?? []
        try fields.finish()
    }
}

/// What one epoch gave: a row of the history.
public struct EpochRecord: Sendable, Equatable {
    /// From 1.
    public var epoch: Int
    public var step: UInt64
    /// NaN: nobody knows it.
    public var trainLoss: Double
    public var learningRateFactor: Double
    /// "validation_loss", "test_accuracy", …
    public var values: [(name: String, value: Double)]
    public var seconds: Double
    public var samplesPerSecond: Double

    public init(
        epoch: Int, step: UInt64, trainLoss: Double, learningRateFactor: Double,
        values: [(name: String, value: Double)], seconds: Double, samplesPerSecond: Double
    ) {
        self.epoch = epoch
        self.step = step
        self.trainLoss = trainLoss
        self.learningRateFactor = learningRateFactor
        self.values = values
        self.seconds = seconds
        self.samplesPerSecond = samplesPerSecond
    }

    public static func == (a: EpochRecord, b: EpochRecord) -> Bool { a.json == b.json }
}

extension EpochRecord {
    public var json: JSON {
        [
            "epoch": .integer(Int64(epoch)), "step": .integer(Int64(clamping: step)), "train_loss": .number(trainLoss),
            "learning_rate_factor": .number(learningRateFactor),
            "values": .object(JSONObject(values.map { ($0.name, .number($0.value)) })), "seconds": .number(seconds),
            "samples_per_second": .number(samplesPerSecond),
        ]
    }

    init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        epoch = try fields.read("epoch")
        step = UInt64(clamping: try fields.read("step", as: Int64.self))
        trainLoss = try fields.read("train_loss", as: JSON.self) == .null ? .nan : fields.read("train_loss")
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
            ("batch", .integer(Int64(batch))), ("step", .integer(Int64(clamping: step))),
            ("loss_sum", .number(lossSum)),
            ("samples", .integer(Int64(samples))), ("seed", .string("\(seed)")),
            ("epochs_without_improvement", .integer(Int64(epochsWithoutImprovement))),
        ])
        if let best { object.append("best", .number(best)) }
        object.append("setup", setup.json)
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
        setup = try Setup(json: fields.read("setup"))
        for (index, record) in try fields.read("history", as: [JSON].self).enumerated() {
            history.append(try EpochRecord(json: record, at: "trainer.history[\(index)]"))
        }
        try fields.finish()
        guard epoch >= 0, batchInEpoch >= 0, samples >= 0 else {
            throw JSONError(.wrongValue, "epoch, batch and sample numbers are never negative", path: "trainer")
        }
    }
}
