import LaminaFormats
import LaminaSchema

extension RecipeReader {
    static let lossKeys = ["from"]
    static let optimizerKeys = ["clip_norm", "clip_value", "groups", "layer_decay", "schedule"]
    static let trainingKeys = [
        "epochs", "batch", "seed", "validate", "shuffle", "threads", "early_stopping", "checkpoint_every", "accumulate",
        "bucket", "batch_transforms",
    ]

    /// Of epochs, batches and samples in a batch: products of two still fit.
    private static let greatestCount = 1 << 31

    func loss(_ node: YAMLNode) throws(RecipeError) -> Recipe.Loss {
        var entry = try entry(node, "'loss'", kinds: ["loss"], hostKeys: Self.lossKeys)
        let from = entry.siblings.take("from")
        var loss = Recipe.Loss(try bind(entry, kinds: ["loss"], hostKeys: Self.lossKeys))
        try finish(entry, hostKeys: Self.lossKeys)
        if let from {
            for element in try list(from, "'from'", of: "names") { loss.inputs.append(try link(element, "'from'")) }
        }
        return loss
    }

    // MARK: Optimizer

    func optimizer(_ node: YAMLNode) throws(RecipeError) -> Recipe.Optimizer {
        var entry = try entry(node, "'optimizer'", kinds: ["optimizer"], hostKeys: Self.optimizerKeys)
        let clipNorm = entry.siblings.take("clip_norm")
        let clipValue = entry.siblings.take("clip_value")
        let groups = entry.siblings.take("groups")
        let layerDecay = entry.siblings.take("layer_decay")
        let schedule = entry.siblings.take("schedule")
        var optimizer = Recipe.Optimizer(try bind(entry, kinds: ["optimizer"], hostKeys: Self.optimizerKeys))
        try finish(entry, hostKeys: Self.optimizerKeys)
        if let clipNorm { optimizer.clipNorm = try number(clipNorm, "'clip_norm'", "a number > 0") { $0 > 0 } }
        if let clipValue { optimizer.clipValue = try number(clipValue, "'clip_value'", "a number > 0") { $0 > 0 } }
        if let layerDecay {
            optimizer.layerDecay = try number(layerDecay, "'layer_decay'", "a number > 0 and <= 1") {
                $0 > 0 && $0 <= 1
            }
        }
        if let groups { optimizer.groups = try self.groups(groups, entry) }
        if let schedule { optimizer.schedule = try component(schedule, "'schedule'", kind: "schedule") }
        return optimizer
    }

    private func groups(_ node: YAMLNode, _ optimizer: ComponentEntry) throws(RecipeError) -> [Recipe.ParameterGroup] {
        guard case .list(let nodes) = node.content else {
            throw error("'groups' is a list of { match: …, … }, got \(node.summary)", node)
        }
        let description = try describe(optimizer.id, optimizer.place, kinds: ["optimizer"])
        var groups: [Recipe.ParameterGroup] = []
        for node in nodes {
            var fields = try RecipeFields(node, "a group", wanted: "a mapping with 'match' and attributes", file: file)
            let match = try fields.require(
                "match", "write a pattern of parameter names, as in \"*.bias\", or \(Recipe.ParameterGroup.noDecay)")
            let patterns = try texts(match, "'match'", of: "patterns")
            guard !patterns.isEmpty, !patterns.contains("") else {
                throw error("'match': wanted a pattern of parameter names, got nothing", match)
            }
            let overrides = fields.entries.filter { $0.key != "match" }
            guard !overrides.isEmpty else {
                throw error("this group changes nothing: write attributes of '\(optimizer.id)' beside 'match'", node)
            }
            let rest = optimizer.attributes.filter { given in !overrides.contains { $0.key == given.key } }
            let attributes = try bind(rest + overrides, to: description, node.place)
            // Written with their bound values, so that a recipe that was written reads back equal.
            let changed = overrides.map { ($0.key, attributes[$0.key] ?? .null) }
            groups.append(.init(patterns: patterns, overrides: JSONObject(changed), attributes: attributes))
        }
        return groups
    }

    // MARK: Training

    /// Reads `train:`; what it says of validation and metrics is checked against the rest of `recipe`.
    func training(_ node: YAMLNode, _ recipe: Recipe) throws(RecipeError) -> Recipe.Training {
        var fields = try RecipeFields(node, "'train'", wanted: "a mapping with 'epochs', 'batch', …", file: file)
        var training = Recipe.Training()
        if let node = fields.take("epochs") {
            training.epochs = try integer(node, "'epochs'", least: 1, most: Self.greatestCount)
        }
        if let node = fields.take("batch") {
            training.batch = try integer(node, "'batch'", least: 1, most: Self.greatestCount)
        }
        if let node = fields.take("seed") { training.seed = UInt64(try integer(node, "'seed'", least: 0)) }
        let validate = fields.take("validate")
        if let validate {
            training.validate = try number(validate, "'validate'", "a fraction between 0 and 1") { $0 > 0 && $0 < 1 }
            if recipe.data?.validation != nil {
                throw error(
                    "'validate' splits the training data, but 'data.validation' is given too: keep one", validate)
            }
        }
        if let node = fields.take("shuffle") { training.shuffle = try bool(node, "'shuffle'") }
        if let node = fields.take("threads") {
            training.threads = try integer(node, "'threads'", least: 1, most: Recipe.Training.threadLimit)
        }
        let stopping = fields.take("early_stopping")
        if let node = fields.take("checkpoint_every") {
            training.checkpointEvery = try integer(node, "'checkpoint_every'", least: 1, most: Self.greatestCount)
        }
        if let node = fields.take("bucket") {
            training.bucket = try integer(node, "'bucket'", least: 1, most: Self.greatestCount)
            guard recipe.data?.texts.isEmpty == false else {
                throw error("'bucket' puts texts of like length together, but there is no 'data.text'", node)
            }
            if recipe.data?.texts.contains(where: { $0.stream != nil }) == true {
                throw error("'bucket': a stream has no lengths; leave it out", node)
            }
        }
        if let node = fields.take("batch_transforms") {
            training.batchTransforms = try components(node, "'batch_transforms'", kind: "batch_transform")
        }
        if let node = fields.take("accumulate") {
            training.accumulate = try integer(node, "'accumulate'", least: 1, most: Self.greatestCount)
        }
        try fields.finish()
        if let stopping {
            training.earlyStopping = try earlyStopping(stopping, recipe)
            if training.validate == nil, recipe.data?.validation == nil {
                throw error(
                    "'early_stopping' watches the validation data, but there is none: "
                        + "add 'validate: 0.1' to 'train', or 'data.validation'", stopping)
            }
        }
        return training
    }

    private func earlyStopping(_ node: YAMLNode, _ recipe: Recipe) throws(RecipeError) -> Recipe.EarlyStopping {
        var fields = try RecipeFields(node, "'early_stopping'", wanted: "a mapping with 'patience'", file: file)
        let patience = try fields.require(
            "patience", "write after how many epochs without an improvement training ends")
        var stopping = Recipe.EarlyStopping(
            patience: try integer(patience, "'patience'", least: 1, most: Self.greatestCount))
        if let metric = fields.take("metric") {
            stopping.metric = try text(metric, "'metric'")
            let known = [Recipe.EarlyStopping.loss] + recipe.metrics.map(\.id)
            // A metric of several values is watched by one of them: "<plugin>.<metric>.<value>".
            guard known.contains(where: { stopping.metric == $0 || stopping.metric.hasPrefix($0 + ".") }) else {
                throw error(
                    "'metric': wanted one of \(known.map { "'\($0)'" }.joined(separator: ", ")), "
                        + "got '\(shortened(stopping.metric))'"
                        + Suggestion.question(for: stopping.metric, among: known),
                    metric)
            }
        }
        if let change = fields.take("minimum_change") {
            stopping.minimumChange = try number(change, "'minimum_change'", "a number >= 0") { $0 >= 0 }
        }
        try fields.finish()
        return stopping
    }
}
