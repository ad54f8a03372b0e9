import LaminaFormats
import LaminaHost
import LaminaRecipe
import LaminaTraining

extension Model {
    /// One of a recipe's datasets.
    public enum Split: String, Sendable, CaseIterable { case test, validation, train }

    /// Loss and metrics on a dataset of the recorded recipe, or of the recipe file `recipe`.
    public func evaluate(
        on split: Split = .test, recipe path: String? = nil, batch: Int = 256, progress: ((Int, Int) -> Void)? = nil
    ) throws(LaminaError) -> Evaluator.Result {
        if path == nil, let obstacle = evaluationObstacle { throw LaminaError(.usage, obstacle) }
        return try sorted {
            let recipe = try path.map { try Recipe.load($0, registry: registry) } ?? recordedRecipe()
            guard let data = recipe.data else { throw LaminaError(.recipe, "\(recipe.file.path) has no data section") }
            let source: Recipe.Component? =
                switch split {
                case .test: data.test
                case .validation: data.validation ?? (recipe.training.validate == nil ? nil : data.train)
                case .train: data.train
                }
            guard let source else {
                throw LaminaError(
                    .recipe, "\(recipe.file.path) names no \(split.rawValue) data; choose another with --split")
            }
            let dataset = try Dataset(
                source, data, for: graph.definition, hasTarget: graph.definition.loss != nil,
                like: origin(of: source, split, isRecorded: path == nil),
                tokenizers: allTokenizers(), lanes: recipe.training.batch, registry: registry)
            let evaluator = try Evaluator(
                network, dataset, metrics: recipe.metrics, samples: samples(split, recipe, dataset), batchSize: batch)
            evaluator.beforeBatch = try transforming(recipe.training.batchTransforms, isEvaluation: true)
            return try evaluator.run(progress: progress)
        }
    }

    /// What the data have in common with those that the model was trained on: of another recipe's, the classes at least.
    private func origin(of source: Recipe.Component, _ split: Split, isRecorded: Bool) -> Dataset.Origin? {
        if split == .train, isRecorded { return nil }
        let known = preprocessing.origin
        // A recipe may give the classes other names than the data have.
        let areRenamed = (try? recordedRecipe())?.data?.classes.isEmpty == false
        return Dataset.Origin(
            id: known?.id ?? source.id, reading: known?.reading ?? [:], classes: areRenamed ? [] : labels)
    }

    /// With `validate` in the recipe, the part of the training data that the split stands for; nil: all samples.
    private func samples(_ split: Split, _ recipe: Recipe, _ dataset: Dataset) throws -> [Int64]? {
        guard split != .test, recipe.data?.validation == nil else { return nil }
        var training = recipe.training
        // The model was trained with this seed, whatever another recipe says.
        if let recorded = try? recordedRecipe() { training.seed = recorded.training.seed }
        guard let parts = try dataset.split(training) else { return nil }
        return split == .train ? parts.training : parts.validation
    }

    /// The recipe that the archive's manifest holds.
    public func recordedRecipe() throws(LaminaError) -> Recipe {
        if let recipe { return recipe }
        return try sorted {
            guard let json = trainingRecord["recipe"] else {
                throw LaminaError(.recipe, "the archive holds no recipe: give one with --data")
            }
            return try Recipe.parse(json.text(), file: "the recorded recipe", registry: registry)
        }
    }
}
