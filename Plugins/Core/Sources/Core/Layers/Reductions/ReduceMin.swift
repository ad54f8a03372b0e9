import LaminaSDK

/// The least element along axes; NaN where there is one. Ties share the gradient evenly.
struct ReduceMin: Layer {
    static let name = "reduce_min"
    static let documentation = "Least element along axes; ties share the gradient evenly."
    static let attributes = ReducedAxes.attributes

    let axes: ReducedAxes

    init(_ attributes: Attributes) { axes = ReducedAxes(attributes) }

    func infer(_ inference: Inference) throws { try axes.infer(inference) }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try MinimumPlan(loops: ExtremumLoops(planning, axes, "minimum"))
    }
}
