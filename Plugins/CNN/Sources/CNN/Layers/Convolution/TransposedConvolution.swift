import LaminaSDK

/// Transposed convolution: y[n, o, p · stride + k · dilation − padding] += w[i, o, k] · x[n, i, p]; y starts as b[o].
///
/// It is the gradient of a convolution with respect to its input. x is [N, C, spatial…], w [C, filters / groups,
/// kernel…], b [filters], y [N, filters, spatial…], each spatial size (size − 1) · stride − padding + dilation ·
/// (kernel − 1) + 1 + output_padding. Both parameters start uniform within ±1/√(filters / groups · Π kernel), as in
/// PyTorch. Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016), chapter 4.
struct TransposedConvolution<Axes: SpatialAxes>: Layer {
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
            let (product, overflows) = size.multipliedReportingOverflow(by: stride[axis])
            guard !overflows, product < Int.max / 2 else {
                throw PluginError.shape("spatial axis \(axis) has size \(size), too large for stride \(stride[axis])", input: 0)
            }
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
        return try TransposedConvolutionPlan(shape, hasBias: hasBias, planning)
    }
}

/// A transposed convolution for concrete shapes; `shape` is that of the convolution that leads back from y to x.
struct TransposedConvolutionPlan: PlannedLayer {
    private let shape: ConvolutionShape
    private let hasBias: Bool
    private let output: WeightedPass
    private let inputGradient: WeightedPass?
    private let weightGradient: WeightGradientPass?
    private let biasGradient: BiasGradient?

    init(_ shape: ConvolutionShape, hasBias: Bool, _ planning: Planning) throws {
        self.shape = shape
        self.hasBias = hasBias
        let training = planning.isTraining
        let wantsWeight = training && planning.wantsParameterGradient(0)
        let wantsBias = training && hasBias && planning.wantsParameterGradient(1)
        output = try .inputGradient(shape)
        inputGradient =
            try training && planning.wantsInputGradient(0) ? .forward(shape, bias: false, training: true) : nil
        weightGradient = try wantsWeight ? WeightGradientPass(shape, bias: false) : nil
        biasGradient =
            wantsBias
            ? BiasGradient(
                samples: shape.batch, channels: shape.inputChannels, places: shape.inputElements / shape.inputChannels,
                channelsLast: shape.channelsLast) : nil

        if wantsWeight { planning.saveInput(0) }
        planning.setOverwrites()
        if !training { planning.setPersistent(bytes: output.weights.bytes) }
        planning.setWorkspace(
            forward: output.scratchBytes + (training ? output.weights.bytes : 0),
            backward: max(
                inputGradient.map { $0.weights.bytes + $0.scratchBytes } ?? 0, weightGradient?.workspaceBytes ?? 0,
                biasGradient?.workspaceBytes ?? 0))
        let bias = hasBias ? Double(shape.batch) * Double(shape.inputElements) : 0
        planning.setFLOPs(
            forward: shape.flops + bias,
            backward: (inputGradient == nil ? 0 : shape.flops) + (wantsWeight ? shape.flops : 0) + (wantsBias ? bias : 0))
    }

    func prepare(_ run: Run) throws {
        try output.weights.pack(run.parameter(0).floats, into: run.raw.pointee.persistent)
    }

    func forward(_ run: Run) throws {
        if shape.isEmpty { return }
        let weights = run.parameter(0).floats
        var scratch = run.raw.pointee.workspace
        var packed = run.raw.pointee.persistent
        if run.isTraining {
            packed = scratch
            try output.weights.pack(weights, into: packed)
            scratch = scratch.map { $0 + output.weights.bytes }
        }
        try output.run(
            run.host, from: run.input(0).floats, weights: weights, packed: packed,
            bias: hasBias ? run.parameter(1).floats : nil, to: run.output(0).floats, scratch: scratch)
    }

    // dx = conv(dy, w),  dw = Σ x · dy,  db = Σ dy
    func backward(_ run: Run) throws {
        if shape.isEmpty { return clearGradients(run) }
        let dy = run.outputGradient(0).floats
        let workspace = run.raw.pointee.workspace
        let dx = run.inputGradient(0)
        if let inputGradient, !dx.isAbsent {
            try inputGradient.weights.pack(run.parameter(0).floats, into: workspace)
            try inputGradient.run(
                run.host, from: dy, weights: run.parameter(0).floats, packed: workspace, bias: nil, to: dx.floats,
                scratch: workspace.map { $0 + inputGradient.weights.bytes })
        }
        if let weightGradient {
            try weightGradient.run(
                run.host, input: dy, outputGradient: run.input(0).floats,
                weightGradient: run.parameterGradient(0).floats, biasGradient: nil, workspace: workspace!)
        }
        if let biasGradient {
            biasGradient.run(
                run.host, outputGradient: dy, gradient: run.parameterGradient(1).floats, workspace: workspace!)
        }
    }

    private func clearGradients(_ run: Run) {
        run.inputGradient(0).clear()
        run.parameterGradient(0).clear()
        if hasBias { run.parameterGradient(1).clear() }
    }
}
