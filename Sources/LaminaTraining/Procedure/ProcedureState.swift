import LaminaFormats
import LaminaSDK

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
    /// What the running epoch has gone through so far.
    public private(set) var running = Running()
    public private(set) var history: [EpochRecord] = []
    /// What the procedure says of itself.
    public var own: JSONObject = [:]
    /// With networks: passes, updates, data.
    var networks: NetworksState?

    public init(procedure: String, seed: UInt64) {
        self.procedure = procedure
        self.seed = seed
    }

    public struct Running: Sendable, Equatable {
        public private(set) var items = 0.0
        public private(set) var seconds = 0.0
        private(set) var lossSum = 0.0
        private(set) var lossCount = 0.0
        /// What the procedure has measured for people's curves.
        public private(set) var measures: [ProcedureNetworks.Measure] = []

        /// nil: the procedure tells none.
        public var meanLoss: Double? { lossCount > 0 ? lossSum / lossCount : nil }
        public var itemsPerSecond: Double { items / max(seconds, 1e-9) }

        /// Means of what was measured.
        public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.sum / $0.count) } }

        mutating func add(_ step: ProcedureProgress, _ measured: [ProcedureNetworks.Measure], seconds: Double) {
            for measure in measured where measure.count > 0 {
                if let index = measures.firstIndex(where: { $0.name == measure.name }) {
                    measures[index].sum += measure.sum
                    measures[index].count += measure.count
                } else {
                    measures.append(measure)
                }
            }
            items += step.items
            self.seconds += seconds
            if step.lossCount > 0 { (lossSum, lossCount) = (lossSum + step.lossSum, lossCount + step.lossCount) }
        }
    }

    public mutating func add(
        _ step: ProcedureProgress, _ measures: [ProcedureNetworks.Measure] = [], seconds: Double
    ) {
        steps += 1
        epochs = max(epochs, step.epochs)
        fraction = min(max(step.fraction, 0), 1)
        isFinished = step.isFinished
        learningRateFactor = step.learningRateFactor
        running.add(step, measures, seconds: seconds)
    }

    /// Adds the running epoch to the history; nil: nothing was done since the last.
    public mutating func endEpoch() -> EpochRecord? {
        guard running != Running() || history.isEmpty else { return nil }
        let record = EpochRecord(
            epoch: epochs, step: steps, trainLoss: running.meanLoss ?? .nan, learningRateFactor: learningRateFactor,
            values: running.values, seconds: running.seconds, samplesPerSecond: running.itemsPerSecond)
        history.append(record)
        running = Running()
        return record
    }

    /// A run that is resumed may have more to do than the one that was saved, or less.
    public mutating func goOn(to wanted: Int) {
        if epochs < wanted { isFinished = false }
        if epochs > wanted { isFinished = true }
    }

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
        var object: JSONObject = [
            "procedure": .string(procedure), "seed": .string("\(seed)"), "epochs": .integer(Int64(epochs)),
            "steps": .integer(Int64(clamping: steps)), "fraction": .number(fraction), "is_finished": .bool(isFinished),
            "learning_rate_factor": .number(learningRateFactor), "running": running.json, "state": .object(own),
            "history": .array(history.map(\.json)),
        ]
        object["networks"] = networks?.json
        return .object(object)
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
        if let json = try fields.readIfPresent("running", as: JSON.self) { running = try Running(json: json) }
        own = try fields.read("state")
        if let json = try fields.readIfPresent("networks", as: JSON.self) {
            networks = try NetworksState(json: json, at: "trainer.networks")
        }
        for (index, record) in try fields.read("history", as: [JSON].self).enumerated() {
            history.append(try EpochRecord(json: record, at: "trainer.history[\(index)]"))
        }
        try fields.finish()
        guard (0...1 << 53).contains(epochs), (0...1).contains(fraction) else {
            throw JSONError(.wrongValue, "\(epochs) epochs and a fraction of \(fraction) cannot be", path: "trainer")
        }
    }
}

extension ProcedureState.Running {
    fileprivate var json: JSON {
        [
            "items": .number(items), "seconds": .number(seconds), "loss_sum": .number(lossSum),
            "loss_count": .number(lossCount),
            "measures": .object(
                JSONObject(measures.map { ($0.name, .array([.number($0.sum), .number($0.count)])) })),
        ]
    }

    fileprivate init(json: JSON) throws(JSONError) {
        var fields = try JSONFields(json, at: "trainer.running")
        items = try fields.read("items")
        seconds = try fields.read("seconds")
        lossSum = try fields.read("loss_sum")
        lossCount = try fields.read("loss_count")
        for member in try fields.readIfPresent("measures", as: JSONObject.self)?.members ?? [] {
            let pair = try [Double](json: member.value, at: "trainer.running.measures.\(member.key)")
            guard pair.count == 2 else {
                throw JSONError(.wrongValue, "wanted a sum and a count", path: "trainer.running.measures.\(member.key)")
            }
            measures.append(.init(name: member.key, sum: pair[0], count: pair[1]))
        }
        try fields.finish()
    }
}
