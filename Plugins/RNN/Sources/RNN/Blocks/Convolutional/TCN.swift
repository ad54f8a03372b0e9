import LaminaSDK

/// A temporal convolutional network: residual blocks of causal convolutions whose dilation doubles from level to level.
///
/// Input [N, T, F], output [N, T, filters of the last level], like a recurrent layer's. The output at t depends on the
/// inputs from t − R + 1 to t and on no later one; the receptive field is R = 1 + 2 (kernel − 1) (2^levels − 1). Level i
/// has dilation 2^i and `filters[i]` channels. A level that changes the channels has a 1 × 1 convolution on its skip; the
/// first has, too, unless `project: false` says that F is `filters[0]` already. Nodes: transpose, network.0, network.1, …
/// (each an `rnn.temporal_block`), transpose_back. Source: Bai, Kolter, Koltun: An Empirical Evaluation of Generic
/// Convolutional and Recurrent Networks for Sequence Modeling (2018), whose code also normalises weights.
struct TCN: Block {
    static let name = "tcn"
    static let documentation = "Temporal convolutional network on [N, T, F]: causal convolutions, dilations 1, 2, 4, …."
    static let inputs: [Port] = [Port("input", .required, "sequences [N, T, F]")]
    static let attributes: [AttributeSchema] = [
        .integers("filters", 1...1e9, count: 1...20, "channels of each level, whose dilations are 1, 2, 4, …"),
        .integer("kernel", default: 3, 1...1e6, "steps that a convolution sees"),
        .real("dropout", default: 0, 0...1, "the probability with which an activation becomes 0 in training"),
        .bool("project", default: true, "a 1 × 1 convolution on the first level's skip: F is not filters[0]"),
    ]

    private let filters: [Int]
    private let kernel: Int
    private let dropout: Double
    private let projects: Bool

    init(_ attributes: Attributes) throws {
        filters = attributes.integers("filters")
        kernel = attributes.integer("kernel")
        dropout = attributes.real("dropout")
        projects = attributes.bool("project")
        let reach = (kernel - 1) << (filters.count - 1)
        guard reach <= CausalConvolution.largestReach else {
            throw PluginError.attribute(
                "the last of \(filters.count) levels would look back (kernel - 1) · 2^\(filters.count - 1) = \(reach) "
                    + "steps, wanted at most \(CausalConvolution.largestReach)")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var end = try expansion.transposed("transpose", of: expansion.input())
        for (level, channels) in filters.enumerated() {
            let changes = level == 0 ? projects : channels != filters[level - 1]
            end = try expansion.add(
                "rnn.temporal_block", name: "network.\(level)", inputs: [end],
                [
                    "filters": .integer(channels), "kernel": .integer(kernel), "dilation": .integer(1 << level),
                    "dropout": .real(dropout), "projection": .bool(changes),
                ])
        }
        try expansion.addOutput(expansion.transposed("transpose_back", of: end))
    }
}
