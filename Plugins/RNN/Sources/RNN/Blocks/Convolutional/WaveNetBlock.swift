import LaminaSDK

/// WaveNet's gated residual block: z = tanh(filter ∗ x) ⊙ σ(gate ∗ x), residual: x + 1 × 1 (z), skip: 1 × 1 (z).
///
/// The input is [N, channels, T], channels first as `cnn.conv1d` takes them. Both convolutions are causal and dilated.
/// Output 0 is the residual [N, channels, T], which the next block takes, output 1 the skip [N, skip, T]; with
/// `last: true` there is only the skip, as output 0. Nodes: filter, gate, tanh, sigmoid, gated, skip, residual, add.
/// Source: van den Oord et al.: WaveNet, A Generative Model for Raw Audio (2016), equation 2 and figure 4.
struct WaveNetBlock: Block {
    static let name = "wavenet_block"
    static let documentation = "WaveNet's block on [N, C, T]: gated causal convolutions; outputs residual and skip."
    static let inputs: [Port] = [Port("input", .required, "sequences with the channels first: [N, channels, T]")]
    static let attributes: [AttributeSchema] = [
        .integer("channels", 1...1e9, "channels of the input, of the gates and of the residual"),
        .integer("skip", 1...1e9, "channels of the skip"),
        .integer("kernel", default: 2, 1...1e6, "steps that a convolution sees"),
        .integer("dilation", default: 1, 1...1e6, "distance of those steps"),
        .bool("bias", default: true, "convolutions have biases"),
        .bool("last", default: false, "give the skip alone: nothing takes the residual"),
    ]

    private let convolution: CausalConvolution
    private let skip: Int
    private let isLast: Bool

    init(_ attributes: Attributes) throws {
        convolution = CausalConvolution(
            filters: attributes.integer("channels"), kernel: attributes.integer("kernel"),
            dilation: attributes.integer("dilation"), bias: attributes.bool("bias"))
        skip = attributes.integer("skip")
        isLast = attributes.bool("last")
        guard convolution.reach <= CausalConvolution.largestReach else {
            throw PluginError.attribute(
                "(kernel - 1) · dilation is \(convolution.reach), wanted at most \(CausalConvolution.largestReach)")
        }
    }

    func expand(_ expansion: Expansion) throws {
        let (input, bias) = (expansion.input(), convolution.bias)
        let filter = try convolution.add(to: expansion, "filter", of: input)
        let gate = try convolution.add(to: expansion, "gate", of: input)
        let gated = try expansion.add(
            "core.multiply", name: "gated",
            inputs: [
                expansion.add("core.tanh", name: "tanh", inputs: [filter]),
                expansion.add("core.sigmoid", name: "sigmoid", inputs: [gate]),
            ])
        let skip = try expansion.pointwise("skip", of: gated, filters: skip, bias: bias)
        if !isLast {
            let residual = try expansion.pointwise("residual", of: gated, filters: convolution.filters, bias: bias)
            try expansion.addOutput(expansion.add("core.add", name: "add", inputs: [residual, input]))
        }
        try expansion.addOutput(skip)
    }
}
