import LaminaSDK

/// Max pooling: y[n, c, p] = max over k of x[n, c, p · stride + k · dilation − padding].
///
/// x is [N, C, spatial…], y the same with each spatial size ⌊(size + padding − dilation · (window − 1) − 1) / stride⌋
/// + 1, or ⌈…⌉ with ceil_mode. Padding never wins. The gradient goes to the first of the largest inputs. Source:
/// Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3; sizes as in `torch.nn.MaxPool2d`.
struct MaxPool<Axes: SpatialAxes>: Layer {
    static var name: String { "max_pool\(Axes.count)d" }
    static var documentation: String { "The largest value of each window over \(Axes.axisNames)." }
    static var attributes: [AttributeSchema] { SlidingWindow.schema(axes: Axes.count, dilates: true) }

    private let window: SlidingWindow

    init(_ attributes: Attributes) throws { window = try SlidingWindow(attributes, axes: Axes.count) }

    func infer(_ inference: Inference) throws {
        let image = try inference.image(Axes.self)
        try inference.addOutput(
            .float32, [image.batch, image.channels] + window.places(inference, image.spatial))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try MaximumPlan(PoolingShape(planning, window.windows), planning)
    }
}
