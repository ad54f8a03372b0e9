import LaminaFormats
import LaminaRecipe

/// Where the training of several networks stands, besides what the procedure says of itself: passes, updates, data.
struct NetworksState: Sendable, Equatable {
    /// Forward passes so far.
    var forwards: UInt64
    /// Steps of each network's optimizer.
    var updates: [UInt64]
    var streams: [DataStream.Position]
    var setup: Setup

    /// What holds for the whole run.
    struct Setup: Sendable, Equatable {
        var batch: Int
        var shuffle: Bool
        var samples: Int
        /// That of the source; nil when it gives none.
        var fingerprint: String?

        /// What keeps a run with this setup from going on with `new`, and what to do; nil: nothing.
        func change(to new: Setup) -> String? {
            if samples != new.samples || fingerprint != new.fingerprint {
                let what = samples == new.samples ? "other values" : "\(samples) samples, now \(new.samples)"
                return "the training data changed since the checkpoint (it had \(what)): "
                    + "train on the same data, or anew without --resume"
            }
            func text(_ name: String, _ old: String, _ new: String) -> String {
                "the checkpoint was trained with \(name): \(old), the recipe now says \(new): a run cannot change it; "
                    + "set train.\(name)=\(old)"
            }
            if batch != new.batch { return text("batch", "\(batch)", "\(new.batch)") }
            if shuffle != new.shuffle { return text("shuffle", "\(shuffle)", "\(new.shuffle)") }
            return nil
        }
    }
}

extension NetworksState.Setup {
    init(_ training: Recipe.Training, _ source: DataSource?) {
        self.init(
            batch: training.batch, shuffle: training.shuffle, samples: source?.count ?? 0,
            fingerprint: source?.fingerprint)
    }
}

extension NetworksState {
    var json: JSON {
        var object: JSONObject = [
            "forwards": .integer(Int64(clamping: forwards)),
            "updates": .array(updates.map { .integer(Int64(clamping: $0)) }),
            "streams": .array(
                streams.map { ["epoch": .integer(Int64($0.epoch)), "batch": .integer(Int64($0.batch))] }),
            "batch": .integer(Int64(setup.batch)), "shuffle": .bool(setup.shuffle),
            "samples": .integer(Int64(setup.samples)),
        ]
        object["fingerprint"] = setup.fingerprint.map { .string($0) }
        return .object(object)
    }

    init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        forwards = UInt64(clamping: try fields.read("forwards", as: Int64.self))
        updates = try fields.read("updates", as: [Int64].self).map { UInt64(clamping: $0) }
        streams = []
        for (index, json) in try fields.read("streams", as: [JSON].self).enumerated() {
            var position = try JSONFields(json, at: "\(path).streams[\(index)]")
            let (epoch, batch): (Int, Int) = (try position.read("epoch"), try position.read("batch"))
            try position.finish()
            guard (0...1 << 31).contains(epoch), (0...1 << 40).contains(batch) else {
                throw JSONError(.wrongValue, "no run stands at epoch \(epoch), batch \(batch)", path: path)
            }
            streams.append(.init(epoch: epoch, batch: batch))
        }
        setup = Setup(
            batch: try fields.read("batch"), shuffle: try fields.read("shuffle"), samples: try fields.read("samples"),
            fingerprint: try fields.readIfPresent("fingerprint"))
        try fields.finish()
    }
}
