import LaminaSDK

/// WaveNet: a causal convolution, stacks of gated residual blocks with doubling dilations, and two 1 × 1 layers.
///
/// Input [N, T, F], output [N, T, outputs]. The blocks of each stack have dilations 1, 2, 4, …, 2^(layers − 1); the sum of
/// all skips goes through relu, 1 × 1, relu, 1 × 1. The output at t depends on the inputs from t − R + 1 to t and on no
/// later one; the receptive field is R = 1 + (kernel − 1) (1 + stacks (2^layers − 1)). To model a signal, give the values
/// one step ahead as targets. Nodes: transpose, causal, layers.0, layers.1, … (each an `rnn.wavenet_block`), skips, relu1,
/// conv1, relu2, conv2, transpose_back. Source: van den Oord et al.: WaveNet, A Generative Model for Raw Audio (2016).
struct WaveNet: Block {
    static let name = "wavenet"
    static let documentation = "WaveNet on [N, T, F]: stacks of gated causal convolutions, dilations 1, 2, 4, …."
    static let inputs: [Port] = [Port("input", .required, "sequences [N, T, F]")]
    static let attributes: [AttributeSchema] = [
        .integer("channels", 1...1e9, "channels of the blocks"),
        .integer("outputs", 1...1e9, "size of the output's last axis"),
        .integer("skip", default: nil, 1...1e9, "channels of the skips and behind them; default: channels"),
        .integer("kernel", default: 2, 1...1e6, "steps that a convolution sees"),
        .integer("layers", default: 10, 1...20, "blocks of a stack, with dilations 1, 2, 4, …"),
        .integer("stacks", default: 1, 1...1000, "how often those follow each other"),
        .bool("bias", default: true, "convolutions have biases"),
    ]

    private let channels, outputs, skip, kernel, layers, stacks: Int
    private let bias: Bool

    init(_ attributes: Attributes) throws {
        channels = attributes.integer("channels")
        outputs = attributes.integer("outputs")
        skip = attributes.optionalInteger("skip") ?? channels
        kernel = attributes.integer("kernel")
        layers = attributes.integer("layers")
        stacks = attributes.integer("stacks")
        bias = attributes.bool("bias")
        let reach = (kernel - 1) << (layers - 1)
        guard reach <= CausalConvolution.largestReach else {
            throw PluginError.attribute(
                "the last of \(layers) layers would look back (kernel - 1) · 2^\(layers - 1) = \(reach) steps, wanted "
                    + "at most \(CausalConvolution.largestReach)")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var end = try expansion.transposed("transpose", of: expansion.input())
        end = try CausalConvolution(filters: channels, kernel: kernel, bias: bias).add(
            to: expansion, "causal", of: end)
        var skips: [String] = []
        for index in 0..<layers * stacks {
            let isLast = index == layers * stacks - 1
            let block = try expansion.add(
                "rnn.wavenet_block", name: "layers.\(index)", inputs: [end],
                [
                    "channels": .integer(channels), "skip": .integer(skip), "kernel": .integer(kernel),
                    "dilation": .integer(1 << (index % layers)), "bias": .bool(bias), "last": .bool(isLast),
                ])
            skips.append(isLast ? block : block + ":1")
            end = block
        }
        end = skips.count > 1 ? try expansion.add("core.add", name: "skips", inputs: skips) : skips[0]
        end = try expansion.add("core.relu", name: "relu1", inputs: [end])
        end = try expansion.pointwise("conv1", of: end, filters: skip, bias: bias)
        end = try expansion.add("core.relu", name: "relu2", inputs: [end])
        end = try expansion.pointwise("conv2", of: end, filters: outputs, bias: bias)
        try expansion.addOutput(expansion.transposed("transpose_back", of: end))
    }
}
