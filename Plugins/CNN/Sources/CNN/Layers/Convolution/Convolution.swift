import LaminaSDK

/// Convolution: y[n, o, p] = b[o] + Σ w[o, i, k] · x[n, i, p · stride + k · dilation − padding], over i and k.
///
/// x is [N, C, spatial…], w [filters, C / groups, kernel…], b [filters], y [N, filters, spatial…], each spatial size
/// ⌊(size + padding − dilation · (kernel − 1) − 1) / stride⌋ + 1. Output channels in group g see the input channels in
/// group g only; groups = C makes it depthwise. Both parameters start uniform within ±1/√(C / groups · Π kernel), as in
/// PyTorch. In two dimensions, kernel 3, stride 1 (or kernel 4, stride 2) and 16 or more channels may be computed by
/// Winograd's algorithm, with errors up to 5 · 10⁻⁶ of the largest output. Source: Goodfellow, Bengio, Courville, Deep
/// Learning (2016), chapter 9; Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016).
struct Convolution<Axes: SpatialAxes>: LinearLayer {
    static var name: String { "conv\(Axes.count)d" }
    static var documentation: String { "Convolution over \(Axes.axisNames): y = w * x + b." }
    static var attributes: [AttributeSchema] {
        [
            .integer("filters", 1...1e9, "output channels"),
            .extents("kernel", default: nil, axes: Axes.count, "size of the kernel"),
            .extents("stride", default: 1, axes: Axes.count, "step between outputs"),
            Padding.schema(axes: Axes.count, words: ["same", "valid"]),
            .extents("dilation", default: 1, axes: Axes.count, "step between the inputs that a kernel sees"),
            .integer("groups", default: 1, 1...1e9, "groups of channels that do not see each other; all: depthwise"),
            .bool("bias", default: true, "adds a trained bias"),
        ]
    }

    let filters: Int
    let kernel, stride, dilation: [Int]
    let padding: Padding
    let groups: Int
    let hasBias: Bool

    init(_ attributes: Attributes) throws {
        filters = attributes.integer("filters")
        kernel = try attributes.perAxis("kernel", rank: Axes.count)
        stride = try attributes.perAxis("stride", rank: Axes.count)
        dilation = try attributes.perAxis("dilation", rank: Axes.count)
        groups = attributes.integer("groups")
        hasBias = attributes.bool("bias")
        switch attributes.optionalString("padding") {
        case "same":
            guard stride.allSatisfy({ $0 == 1 }) else {
                throw PluginError.attribute("padding: same needs stride 1, got \(stride): give the padding in numbers")
            }
            padding = .same(kernel: kernel, dilation: dilation)
        case "valid": padding = .none(axes: Axes.count)
        default: padding = try Padding(attributes.integers("padding"), axes: Axes.count)
        }
        guard filters % groups == 0 else {
            throw PluginError.attribute("filters is \(filters), wanted a multiple of groups, \(groups)")
        }
    }

    func infer(_ inference: Inference) throws {
        let image = try inference.image(Axes.self)
        let channels = try inference.literal(image.channels, "the number of channels")
        guard channels > 0, channels % groups == 0 else {
            throw PluginError.shape("input has \(channels) channels, wanted a multiple of groups, \(groups)", input: 0)
        }
        let spatial = try image.spatial.enumerated().map { axis, size in
            try inference.places(
                size, before: padding.before[axis], after: padding.after[axis],
                reach: dilation[axis] * (kernel[axis] - 1) + 1, stride: stride[axis], axis: axis)
        }
        try inference.addOutput(.float32, [image.batch, Dimension(filters)] + spatial)
        let fan = kernel.reduce(Double(channels / groups)) { $0 * Double($1) }
        let bound = 1 / fan.squareRoot()
        let range: KeyValuePairs<String, AttributeValue> = ["low": .real(-bound), "high": .real(bound)]
        try inference.addParameter(
            "weight", [filters, channels / groups] + kernel, initializer: "core.uniform", range)
        if hasBias { try inference.addParameter("bias", [filters], initializer: "core.uniform", range, noDecay: true) }
        inference.setLayouts(.any, preferred: .channelsLast)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try planning.requireExtents()
        let (x, y) = (planning.input(0), planning.output(0))
        let shape = ConvolutionShape(
            batch: x.size(0), groups: groups, inputChannels: x.size(1), outputChannels: filters,
            input: Array(x.shape[2...]), output: Array(y.shape[2...]), kernel: kernel, stride: stride,
            dilation: dilation, before: padding.before, channelsLast: x.isChannelsLast)
        return try ConvolutionPlan(shape, isTransposed: false, hasBias: hasBias, planning)
    }

    // ẏ = w * ẋ
    var tangentAttributes: KeyValuePairs<String, AttributeValue> { ["bias": .bool(false)] }
}
