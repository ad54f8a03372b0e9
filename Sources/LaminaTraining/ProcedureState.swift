import LaminaFormats

/// Where a procedure's training stands: with parameters and its own tensors, all that resuming needs.
public struct ProcedureState: Sendable, Equatable {
    /// Id of the procedure.
    public let procedure: String
    public let seed: UInt64
    /// Complete passes.
    public private(set) var epochs = 0
    public private(set) var steps: UInt64 = 0
    /// Of the whole training, 0 to 1.
    public private(set) var fraction = 0.0
    public private(set) var isFinished = false
    public private(set) var learningRateFactor = 1.0
    public var history: [EpochRecord] = []
    /// What the procedure says of itself.
    public var own: JSONObject = [:]

    public init(procedure: String, seed: UInt64) {
        self.procedure = procedure
        self.seed = seed
    }

    public mutating func add(_ step: ProcedureDriver.Progress) {
        steps += 1
        epochs = max(epochs, Int(clamping: step.epochs))
        fraction = min(max(step.fraction, 0), 1)
        isFinished = step.is_finished != 0
        learningRateFactor = step.learning_rate_factor
    }

    /// A run that is resumed may have more to do than the one that was saved.
    public mutating func goOn() { isFinished = false }

    /// What keeps a run from going on as `new`, as the end of a sentence about the archive; nil: nothing.
    public func change(to new: ProcedureState) -> String? {
        if procedure != new.procedure {
            return "was trained by '\(procedure)', the recipe now says '\(new.procedure)': train without --resume"
        }
        if seed != new.seed {
            return "was trained with seed \(seed), the recipe now says \(new.seed): a run cannot change its seed; "
                + "set train.seed=\(seed)"
        }
        return nil
    }
}

extension ProcedureState {
    /// The content of `state/trainer.json`.
    public var json: JSON {
        [
            "procedure": .string(procedure), "seed": .string("\(seed)"), "epochs": .integer(Int64(epochs)),
            "steps": .integer(Int64(clamping: steps)), "fraction": .number(fraction), "is_finished": .bool(isFinished),
            "learning_rate_factor": .number(learningRateFactor), "state": .object(own),
            "history": .array(history.map(\.json)),
        ]
    }

    public init(json: JSON) throws(JSONError) {
        var fields = try JSONFields(json, at: "trainer")
        procedure = try fields.read("procedure")
        let seedText: String = try fields.read("seed")
        guard let seed = UInt64(seedText) else {
            throw JSONError(
                .wrongValue, "'\(seedText)' is no seed, wanted a number from 0 to 2^64 - 1", path: "trainer.seed")
        }
        self.seed = seed
        epochs = try fields.read("epochs")
        steps = UInt64(clamping: try fields.read("steps", as: Int64.self))
        fraction = try fields.read("fraction")
        isFinished = try fields.read("is_finished")
        learningRateFactor = try fields.read("learning_rate_factor")
        own = try fields.read("state")
        for (index, record) in try fields.read("history", as: [JSON].self).enumerated() {
            history.append(try EpochRecord(json: record, at: "trainer.history[\(index)]"))
        }
        try fields.finish()
    }
}
