import LaminaSDK

/// Average pooling: y[n, c, p] = Σ over k of x[n, c, p · stride + k − padding], divided by the window's size.
///
/// x is [N, C, spatial…], y the same with each spatial size ⌊(size + padding − window) / stride⌋ + 1, or ⌈…⌉ with
/// ceil_mode. The size counts padding unless count_include_pad is false, but never what lies beyond the padding.
/// Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3; sizes as in `torch.nn.AvgPool2d`.
struct AveragePool<Axes: SpatialAxes>: LinearLayer {
    static var name: String { "avg_pool\(Axes.count)d" }
    static var documentation: String { "The mean of each window over \(Axes.axisNames)." }
    static var attributes: [AttributeSchema] {
        SlidingWindow.schema(axes: Axes.count, dilates: false) + [
            .bool("count_include_pad", default: true, "padding counts in the mean, as zeros")
        ]
    }

    private let window: SlidingWindow
    private let countsPadding: Bool

    init(_ attributes: Attributes) throws {
        window = try SlidingWindow(attributes, axes: Axes.count)
        countsPadding = attributes.bool("count_include_pad")
    }

    func infer(_ inference: Inference) throws {
        let image = try inference.image(Axes.self)
        try inference.addOutput(
            .float32, [image.batch, image.channels] + window.places(inference, image.spatial))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try AveragePlan(PoolingShape(planning, window.windows), countsPadding: countsPadding, planning)
    }
}
