import LaminaSDK

/// What the adaptive poolings share: an output of fixed spatial size, whatever the input's.
struct AdaptiveOutput<Axes: SpatialAxes> {
    let size: [Int]

    static var attributes: [AttributeSchema] {
        [.extents("output_size", default: nil, axes: Axes.count, "spatial size of the output")]
    }

    init(_ attributes: Attributes) throws { size = try attributes.perAxis("output_size", rank: Axes.count) }

    init(_ size: Int) { self.size = Array(repeating: size, count: Axes.count) }

    func infer(_ inference: Inference) throws {
        let image = try inference.image(Axes.self)
        for (axis, size) in image.spatial.enumerated() { try size.literal.map { try requireExtent($0, axis) } }
        try inference.addOutput(.float32, [image.batch, image.channels] + size.map { Dimension($0) })
        inference.setLayouts(.any)
    }

    func shape(_ planning: Planning) throws -> PoolingShape {
        try PoolingShape(planning) { _, input, output in .adaptive(input: input, output: output) }
    }
}

/// Adaptive average pooling: the mean of the inputs ⌊o · size / output⌋ ..< ⌈(o + 1) · size / output⌉ along each axis.
///
/// x is [N, C, spatial…], y [N, C, output_size…]. Source: `torch.nn.AdaptiveAvgPool2d`.
struct AdaptiveAveragePool<Axes: SpatialAxes>: LinearLayer {
    static var name: String { "adaptive_avg_pool\(Axes.count)d" }
    static var documentation: String { "Means over \(Axes.axisNames) that give an output of the wanted size." }
    static var attributes: [AttributeSchema] { AdaptiveOutput<Axes>.attributes }

    private let output: AdaptiveOutput<Axes>

    init(_ attributes: Attributes) throws { output = try AdaptiveOutput(attributes) }
    func infer(_ inference: Inference) throws { try output.infer(inference) }
    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try AveragePlan(output.shape(planning), countsPadding: false, planning)
    }
}

/// Adaptive max pooling: the largest of the inputs ⌊o · size / output⌋ ..< ⌈(o + 1) · size / output⌉ along each axis.
///
/// x is [N, C, spatial…], y [N, C, output_size…]. Source: `torch.nn.AdaptiveMaxPool2d`.
struct AdaptiveMaxPool<Axes: SpatialAxes>: Layer {
    static var name: String { "adaptive_max_pool\(Axes.count)d" }
    static var documentation: String { "Largest values over \(Axes.axisNames) that give an output of the wanted size." }
    static var attributes: [AttributeSchema] { AdaptiveOutput<Axes>.attributes }

    private let output: AdaptiveOutput<Axes>

    init(_ attributes: Attributes) throws { output = try AdaptiveOutput(attributes) }
    func infer(_ inference: Inference) throws { try output.infer(inference) }
    func plan(_ planning: Planning) throws -> any PlannedLayer { try MaximumPlan(output.shape(planning), planning) }
}
