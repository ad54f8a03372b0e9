import LaminaSDK

/// Residual blocks of one size, one after the other; the first may halve the image and change the channels.
///
/// Nodes: 0, 1, …, each a `cnn.residual`. Source: He et al., Deep residual learning for image recognition (2015), table
/// 1.
struct ResNetStage: Block {
    static let name = "resnet_stage"
    static let documentation = "Residual blocks of one size; the first may shrink the image and change the channels."
    static let attributes: [AttributeSchema] =
        [
            .integer("filters", 1...1e6, "channels of the stage"),
            .integer("blocks", default: 2, 1...10000, "number of residual blocks"),
            .integer("stride", default: 2, 1...largestExtent, "step of the first block"),
            .bool("projection", default: true, "a 1 × 1 convolution on the first block's skip"),
        ] + ResidualForm.attributes

    private let filters, blocks, stride: Int
    private let projects: Bool
    private let form: ResidualForm

    init(_ attributes: Attributes) throws {
        filters = attributes.integer("filters")
        blocks = attributes.integer("blocks")
        stride = attributes.integer("stride")
        projects = attributes.bool("projection")
        form = ResidualForm(attributes)
        guard stride == 1 || projects else {
            throw PluginError.attribute(
                "stride is \(stride), so the first skip has to shrink too: set projection: true")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion)
        for block in 0..<blocks {
            let isFirst = block == 0
            try chain.add(
                "cnn.residual", "\(block)",
                [
                    "filters": .integer(filters), "stride": .integer(isFirst ? stride : 1),
                    "projection": .bool(isFirst && projects), "bias": form.values.bias,
                    "projection_norm": form.values.norm,
                ])
        }
        try chain.finish()
    }
}
