import LaminaRecipe
import LaminaTraining

extension Model {
    /// What a recipe's batch transforms do to a batch of training, or of evaluation; nil: nothing.
    func transforming(
        _ transforms: [Recipe.Component], isEvaluation: Bool = false
    ) throws -> ((BatchMoment) throws(TrainingError) -> Void)? {
        let drivers = try transforms.enumerated().map { index, transform in
            (transform.id, try BatchTransformDriver(transform, index: index, registry: registry))
        }.filter { $1.changesEvaluation || !isEvaluation }
        guard !drivers.isEmpty else { return nil }
        let calls = drivers.map { id, driver in (driver, ModelSession(self, for: id)) }
        return { (moment: BatchMoment) throws(TrainingError) in
            for (driver, session) in calls {
                session.parametersChanged()
                do throws(TrainingError) {
                    try driver.apply(moment, model: session.raw)
                } catch {
                    guard let failure = session.failure else { throw error }
                    // Nearer to the cause than what the transform made of it.
                    throw TrainingError(error.kind, failure.text)
                }
            }
        }
    }
}
