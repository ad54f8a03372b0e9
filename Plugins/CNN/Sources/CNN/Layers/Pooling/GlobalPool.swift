import LaminaSDK

/// Global average pooling: the mean of each channel over all places.
///
/// x is [N, C, spatial…], y [N, C, 1, …]: `core.flatten` makes it [N, C]. Source: Lin, Chen, Yan, Network in network
/// (2013), section 3.2.
struct GlobalAveragePool<Axes: SpatialAxes>: LinearLayer {
    static var name: String { "global_avg_pool\(Axes.count)d" }
    static var documentation: String { "The mean of each channel over \(Axes.axisNames), which become 1." }

    private let output = AdaptiveOutput<Axes>(1)

    init(_ attributes: Attributes) {}
    func infer(_ inference: Inference) throws { try output.infer(inference) }
    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try AveragePlan(output.shape(planning), countsPadding: false, planning)
    }
}

/// Global max pooling: the largest value of each channel over all places.
///
/// x is [N, C, spatial…], y [N, C, 1, …]: `core.flatten` makes it [N, C].
struct GlobalMaxPool<Axes: SpatialAxes>: Layer {
    static var name: String { "global_max_pool\(Axes.count)d" }
    static var documentation: String { "The largest value of each channel over \(Axes.axisNames), which become 1." }

    private let output = AdaptiveOutput<Axes>(1)

    init(_ attributes: Attributes) {}
    func infer(_ inference: Inference) throws { try output.infer(inference) }
    func plan(_ planning: Planning) throws -> any PlannedLayer { try MaximumPlan(output.shape(planning), planning) }
}
