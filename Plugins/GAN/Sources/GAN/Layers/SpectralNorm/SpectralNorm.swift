import LaminaSDK

/// Spectral normalisation of the layer before it: y = z / σ(W) + b, with W's largest singular value σ.
///
/// z is the output of a convolution or dense layer without a bias, `source` that layer's input, of which the number of
/// channels counts alone. As z is linear in W, y is what the layer would give with W / σ. In a graph the node shares that
/// layer's `weight`, W [C, channels of the source, kernel…]; `bias` b [C] is its own. y has z's shape; C is z's axis 1, or
/// without `kernel` its last axis.
///
/// σ = uᵀ W v, W taken as a matrix [C, rest], by power iteration: every training step does v ← Wᵀu / ‖Wᵀu‖,
/// u ← W v / ‖W v‖ (`iterations` times; the first step 15 times as often), which the buffers `weight_u`, `weight_v` keep.
/// At inference they stay. Gradients take u and v as constants. Source: Miyato, Kataoka, Koyama, Yoshida, Spectral
/// normalization for generative adversarial networks (2018); buffers as in `torch.nn.utils.spectral_norm`.
struct SpectralNorm: Layer {
    static let name = "spectral_norm"
    static let documentation = "Divides a linear layer's output by the largest singular value of its shared weight."
    static let inputs: [Port] = [
        Port("input", .required, "output of a convolution or dense layer without a bias"),
        Port("source", .required, "that layer's input, for its number of channels"),
    ]
    static let attributes: [AttributeSchema] = [
        .optionalIntegers(
            "kernel", 1...1e6, count: 1...3, "the convolution's kernel, one for all axes or one per axis; dense: none"),
        .integer("iterations", default: 1, 1...1000, "power iterations in each training step"),
        .bool("bias", default: true, "adds a trained bias"),
    ]

    private let kernel: [Int]?
    private let iterations: Int
    private let hasBias: Bool

    init(_ attributes: Attributes) {
        kernel = attributes.optionalIntegers("kernel")
        iterations = attributes.integer("iterations")
        hasBias = attributes.bool("bias")
    }

    func infer(_ inference: Inference) throws {
        for index in 0..<2 { try inference.require(index, .float32) }
        let (shape, source) = (inference.shape(0), inference.shape(1))
        guard let last = shape.last, source.count == shape.count else {
            throw PluginError.shape(
                "source has shape \(inference.host.text(source)), the input \(inference.host.text(shape)): wanted the "
                    + "input and the output of one layer", input: 1)
        }
        let extents = try extents(shape, inference.host)
        let outputs = try inference.literal(
            extents == nil ? last : shape[1], "the input's number of channels, on which the weight's shape depends,")
        let channels = try inference.literal(
            extents == nil ? source[source.count - 1] : source[1],
            "the source's number of channels, on which the weight's shape depends,")
        guard outputs > 0, channels > 0 else {
            throw PluginError.shape("the weight would have shape [\(outputs), \(channels), …]: wanted channels")
        }
        let weight = [outputs, channels] + (extents ?? [])
        let inner = try weight.dropFirst().reduce(1) { product, size in
            let (next, overflows) = product.multipliedReportingOverflow(by: size)
            guard !overflows else {
                throw PluginError.shape(
                    "the weight would have shape \(weight), which no memory holds: wanted a smaller kernel")
            }
            return next
        }
        let bound = 1 / Double(inner).squareRoot()
        let range: KeyValuePairs<String, AttributeValue> = ["low": .real(-bound), "high": .real(bound)]
        try inference.addParameter("weight", weight, initializer: "core.uniform", range)
        if hasBias { try inference.addParameter("bias", [outputs], initializer: "core.uniform", range, noDecay: true) }
        try inference.addBuffer("weight_u", [outputs], initial: 0)
        try inference.addBuffer("weight_v", [inner], initial: 0)
        try inference.addOutput(.float32, shape)
        inference.setLayouts(extents == nil ? .plain : .any)
    }

    /// The kernel with one size per axis; nil: a dense layer.
    private func extents(_ shape: [Dimension], _ host: Host) throws -> [Int]? {
        guard let kernel else { return nil }
        let axes = shape.count - 2
        guard axes > 0, kernel.count == 1 || kernel.count == axes else {
            throw PluginError.shape(
                "input has shape \(host.text(shape)) and kernel \(kernel.count) sizes, wanted [N, C, …] with one size for "
                    + "all axes behind C or one for each; for a dense layer leave kernel out", input: 0)
        }
        return kernel.count == axes ? kernel : Array(repeating: kernel[0], count: axes)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let (z, weight) = (planning.input(0), planning.parameter(0))
        let hasAxes = kernel != nil
        let places = hasAxes && !z.isChannelsLast ? z.product(2, z.rank) : 1
        let sums = ChannelSums(
            rows: places == 0 ? 0 : z.count / (weight.size(0) * places), channels: weight.size(0), places: places)
        let wantsBias = hasBias && planning.wantsParameterGradient(1)
        let wantsWeight = planning.wantsParameterGradient(0)
        let plan = SpectralNormPlan(
            sums: sums, rest: weight.count / weight.size(0), iterations: iterations, hasBias: hasBias,
            isTraining: planning.isTraining,
            keeps: planning.isTraining && (wantsWeight || planning.wantsInputGradient(0)))
        if wantsWeight { planning.saveOutput(0) }
        if plan.keeps { planning.save(bytes: plan.stateBytes) }
        if !planning.isTraining { planning.setPersistent(bytes: plan.stateBytes) }
        planning.setWorkspace(
            forward: planning.isTraining && !plan.keeps ? plan.stateBytes : 0,
            backward: wantsBias || wantsWeight ? sums.workspaceBytes : 0)
        planning.allowReuse()
        planning.allowGradientReuse()
        let iteration = planning.isTraining ? 4 * Double(iterations) * Double(weight.count) : 0
        planning.setFLOPs(
            forward: 2 * Double(z.count) + iteration,
            backward: Double(z.count) * (wantsWeight ? 4 : 2) + (wantsWeight ? 2 * Double(weight.count) : 0))
        return plan
    }
}
