import LaminaSDK

/// The sum along axes.
struct ReduceSum: LinearLayer {
    static let name = "reduce_sum"
    static let documentation = "Sum along axes."
    static let attributes = ReducedAxes.attributes

    let axes: ReducedAxes

    init(_ attributes: Attributes) { axes = ReducedAxes(attributes) }

    func infer(_ inference: Inference) throws { try axes.infer(inference) }

    func plan(_ planning: Planning) -> any PlannedLayer { SumPlan(planning, axes, isMean: false) }
}
