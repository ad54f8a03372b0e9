import LaminaSDK

/// The mean along axes; NaN when there is nothing to average.
struct ReduceMean: LinearLayer {
    static let name = "reduce_mean"
    static let documentation = "Mean along axes."
    static let attributes = ReducedAxes.attributes

    let axes: ReducedAxes

    init(_ attributes: Attributes) { axes = ReducedAxes(attributes) }

    func infer(_ inference: Inference) throws { try axes.infer(inference) }

    func plan(_ planning: Planning) -> any PlannedLayer { SumPlan(planning, axes, isMean: true) }
}
