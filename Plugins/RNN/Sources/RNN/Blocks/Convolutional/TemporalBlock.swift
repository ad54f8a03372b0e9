import LaminaSDK

/// The residual block of a temporal convolutional network: y = relu(x' + D(relu(conv(D(relu(conv(x))))))), D: dropout.
///
/// Input and output are [N, C, T] and [N, filters, T], channels first as `cnn.conv1d` takes them. Both convolutions are
/// causal and have the same dilation; x' is x, or with `projection` a 1 × 1 convolution of it, which a change of channels
/// needs. Weights are not normalised. Nodes: conv1, relu1, dropout1, conv2, relu2, dropout2, downsample, add, relu; the
/// dropouts only when the rate is above 0. Source: Bai, Kolter, Koltun: An Empirical Evaluation of Generic Convolutional
/// and Recurrent Networks for Sequence Modeling (2018), figure 1 (b).
struct TemporalBlock: Block {
    static let name = "temporal_block"
    static let documentation = "TCN's residual block on [N, C, T]: two causal dilated convolutions and a skip."
    static let inputs: [Port] = [Port("input", .required, "sequences with the channels first: [N, C, T]")]
    static let attributes: [AttributeSchema] = [
        .integer("filters", 1...1e9, "channels of the block"),
        .integer("kernel", default: 3, 1...1e6, "steps that a convolution sees"),
        .integer("dilation", default: 1, 1...1e6, "distance of those steps"),
        .real("dropout", default: 0, 0...1, "the probability with which an activation becomes 0 in training"),
        .bool("projection", default: false, "a 1 × 1 convolution on the skip"),
    ]

    private let convolution: CausalConvolution
    private let dropout: Double
    private let projects: Bool

    init(_ attributes: Attributes) throws {
        convolution = CausalConvolution(
            filters: attributes.integer("filters"), kernel: attributes.integer("kernel"),
            dilation: attributes.integer("dilation"))
        dropout = attributes.real("dropout")
        projects = attributes.bool("projection")
        guard convolution.reach <= CausalConvolution.largestReach else {
            throw PluginError.attribute(
                "(kernel - 1) · dilation is \(convolution.reach), wanted at most \(CausalConvolution.largestReach)")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var end = expansion.input()
        for index in 1...2 {
            end = try convolution.add(to: expansion, "conv\(index)", of: end)
            end = try expansion.add("core.relu", name: "relu\(index)", inputs: [end])
            if dropout > 0 {
                end = try expansion.add(
                    "core.dropout", name: "dropout\(index)", inputs: [end], ["rate": .real(dropout)])
            }
        }
        var skip = expansion.input()
        if projects { skip = try expansion.pointwise("downsample", of: skip, filters: convolution.filters) }
        end = try expansion.add("core.add", name: "add", inputs: [end, skip])
        try expansion.addOutput(expansion.add("core.relu", name: "relu", inputs: [end]))
    }
}
