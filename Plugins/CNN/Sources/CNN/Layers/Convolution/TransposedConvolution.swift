import LaminaSDK

/// Transposed convolution: y[n, o, p · stride + k · dilation − padding] += w[i, o, k] · x[n, i, p]; y starts as b[o].
///
/// It is the gradient of a convolution with respect to its input. x is [N, C, spatial…], w [C, filters / groups,
/// kernel…], b [filters], y [N, filters, spatial…], each spatial size (size − 1) · stride − padding + dilation ·
/// (kernel − 1) + 1 + output_padding. Both parameters start uniform within ±1/√(filters / groups · Π kernel), as in
/// PyTorch. Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), chapter 4.
struct TransposedConvolution<Axes: SpatialAxes>: LinearLayer {
    static var name: String { "conv_transpose\(Axes.count)d" }
    static var documentation: String { "Transposed convolution over \(Axes.axisNames), which enlarges its input." }
    static var attributes: [AttributeSchema] {
        [
            .integer("filters", 1...1e9, "output channels"),
            .extents("kernel", default: nil, axes: Axes.count, "size of the kernel"),
            .extents("stride", default: 1, axes: Axes.count, "step between the outputs of neighbouring inputs"),
            Padding.schema(axes: Axes.count),
            .integers(
                "output_padding", default: [0], 0...largestExtent, count: 1...Axes.count,
                "places added at the end of each axis; below stride or dilation"),
            .extents("dilation", default: 1, axes: Axes.count, "step between the outputs that a kernel writes"),
            .integer("groups", default: 1, 1...1e9, "groups of channels that do not see each other"),
            .bool("bias", default: true, "adds a trained bias"),
        ]
    }

    let filters: Int
    let kernel, stride, dilation, outputPadding: [Int]
    let padding: Padding
    let groups: Int
    let hasBias: Bool

    init(_ attributes: Attributes) throws {
        filters = attributes.integer("filters")
        kernel = try attributes.perAxis("kernel", rank: Axes.count)
        stride = try attributes.perAxis("stride", rank: Axes.count)
        dilation = try attributes.perAxis("dilation", rank: Axes.count)
        outputPadding = try attributes.perAxis("output_padding", rank: Axes.count)
        padding = try Padding(attributes.integers("padding"), axes: Axes.count)
        groups = attributes.integer("groups")
        hasBias = attributes.bool("bias")
        guard filters % groups == 0 else {
            throw PluginError.attribute("filters is \(filters), wanted a multiple of groups, \(groups)")
        }
        for axis in 0..<Axes.count where outputPadding[axis] >= max(stride[axis], dilation[axis]) {
            throw PluginError.attribute(
                "output_padding along spatial axis \(axis) is \(outputPadding[axis]), wanted less than stride, "
                    + "\(stride[axis]), or dilation, \(dilation[axis])")
        }
    }

    func infer(_ inference: Inference) throws {
        let image = try inference.image(Axes.self)
        let channels = try inference.literal(image.channels, "the number of channels")
        guard channels > 0, channels % groups == 0 else {
            throw PluginError.shape("input has \(channels) channels, wanted a multiple of groups, \(groups)", input: 0)
        }
        let spatial = try image.spatial.enumerated().map { try outputSize(inference, $1, axis: $0) }
        try inference.addOutput(.float32, [image.batch, Dimension(filters)] + spatial)
        let fan = kernel.reduce(Double(filters / groups)) { $0 * Double($1) }
        let bound = 1 / fan.squareRoot()
        let range: KeyValuePairs<String, AttributeValue> = ["low": .real(-bound), "high": .real(bound)]
        try inference.addParameter(
            "weight", [channels, filters / groups] + kernel, initializer: "core.uniform", range)
        if hasBias { try inference.addParameter("bias", [filters], initializer: "core.uniform", range, noDecay: true) }
        inference.setLayouts(.any, preferred: .channelsLast)
    }

    /// (size − 1) · stride − padding + reach + output_padding, written as size · stride + the rest.
    private func outputSize(_ inference: Inference, _ size: Dimension, axis: Int) throws -> Dimension {
        let host = inference.host
        let rest =
            dilation[axis] * (kernel[axis] - 1) + 1 + outputPadding[axis] - stride[axis] - padding.before[axis]
            - padding.after[axis]
        if let size = size.literal {
            try requireExtent(size, axis)
            let product = size * stride[axis]
            guard product + rest > 0 else {
                throw PluginError.shape(
                    "spatial axis \(axis) of the output would have size \(product + rest): use less padding", input: 0)
            }
            return Dimension(product + rest)
        }
        let product = stride[axis] == 1 ? size : try host.multiply(size, Dimension(stride[axis]))
        if rest == 0 { return product }
        return try rest > 0 ? host.add(product, Dimension(rest)) : host.subtract(product, Dimension(-rest))
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try planning.requireExtents()
        let (x, y) = (planning.input(0), planning.output(0))
        // The convolution whose input is y and whose output is x.
        let shape = ConvolutionShape(
            batch: x.size(0), groups: groups, inputChannels: filters, outputChannels: x.size(1),
            input: Array(y.shape[2...]), output: Array(x.shape[2...]), kernel: kernel, stride: stride,
            dilation: dilation, before: padding.before, channelsLast: x.isChannelsLast
        ).cropped()
        guard shape.input.allSatisfy({ $0 > 0 }) else {
            throw PluginError.unsupported("the output \(y.shape) would be output_padding alone: use less padding")
        }
        return try ConvolutionPlan(shape, isTransposed: true, hasBias: hasBias, planning)
    }

    // ẏ = w * ẋ
    var tangentAttributes: KeyValuePairs<String, AttributeValue> { ["bias": .bool(false)] }
}
