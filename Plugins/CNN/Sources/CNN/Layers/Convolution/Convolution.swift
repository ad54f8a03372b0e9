import Glibc
import LaminaSDK

/// Convolution: y[n, o, p] = b[o] + Σ w[o, i, k] · x[n, i, p · stride + k · dilation − padding], over i and k.
///
/// x is [N, C, spatial…], w [filters, C / groups, kernel…], b [filters], y [N, filters, spatial…], each spatial size
/// ⌊(size + padding − dilation · (kernel − 1) − 1) / stride⌋ + 1. Output channels in group g see the input channels in
/// group g only; groups = C makes it depthwise. Both parameters start uniform within ±1/√(C / groups · Π kernel), as in
/// PyTorch. Source: Goodfellow, Bengio, Courville, Deep Learning (2016), chapter 9; Dumoulin and Visin, A guide to
/// convolution arithmetic for deep learning (2016).
struct Convolution<Axes: SpatialAxes>: Layer {
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
        return try ConvolutionPlan(shape, hasBias: hasBias, planning)
    }
}

/// A convolution for concrete shapes.
struct ConvolutionPlan: PlannedLayer {
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
        output = try .forward(shape, bias: hasBias, training: training)
        inputGradient = try training && planning.wantsInputGradient(0) ? .inputGradient(shape) : nil
        weightGradient = try wantsWeight ? WeightGradientPass(shape, bias: wantsBias) : nil
        biasGradient = wantsBias && !wantsWeight ? BiasGradient(shape) : nil

        if wantsWeight { planning.saveInput(0) }
        planning.setOverwrites()
        if !training { planning.setPersistent(bytes: output.weights.bytes) }
        planning.setWorkspace(
            forward: output.scratchBytes + (training ? output.weights.bytes : 0),
            backward: max(
                inputGradient.map { $0.weights.bytes + $0.scratchBytes } ?? 0, weightGradient?.workspaceBytes ?? 0,
                biasGradient?.workspaceBytes ?? 0))
        let bias = hasBias ? Double(shape.batch) * Double(shape.outputElements) : 0
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

    // dx = convᵀ(dy, w),  dw = Σ dy · x,  db = Σ dy
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
                run.host, input: run.input(0).floats, outputGradient: dy,
                weightGradient: run.parameterGradient(0).floats,
                biasGradient: hasBias ? run.parameterGradient(1).optionalFloats : nil, workspace: workspace!)
        } else if let biasGradient {
            biasGradient.run(
                run.host, outputGradient: dy, gradient: run.parameterGradient(1).floats, workspace: workspace!)
        }
    }

    /// Without any sample or place all sums are empty.
    private func clearGradients(_ run: Run) {
        run.inputGradient(0).clear()
        run.parameterGradient(0).clear()
        if hasBias { run.parameterGradient(1).clear() }
    }
}

extension BiasGradient {
    init(_ shape: ConvolutionShape) {
        self.init(
            samples: shape.batch, channels: shape.outputChannels, places: shape.output.reduce(1, *),
            channelsLast: shape.channelsLast)
    }
}

extension Tensor {
    var optionalFloats: UnsafeMutablePointer<Float>? { isAbsent ? nil : floats }

    /// Sets a float32 gradient to 0, if it is wanted.
    func clear() {
        if !isAbsent && count > 0 { memset(bytes, 0, count * 4) }
    }
}
