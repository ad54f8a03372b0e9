import LaminaSDK

/// A residual network: stem, stages of residual blocks, global average pooling and, with `classes`, a dense layer.
///
/// The stem is a 7 × 7 convolution with stride 2, batch norm, relu and 3 × 3 max pooling with stride 2; for small
/// images `stem: 3x3` is a 3 × 3 convolution alone. The first stage keeps the size; every later one halves it with its
/// first block, whose skip is a 1 × 1 convolution. As it stands, three stages of 64, 128 and 256 channels with two
/// blocks each. `{ filters: [64, 128, 256, 512], blocks: [2, 2, 2, 2], bias: false, projection_norm: true, classes:
/// 1000 }` is torchvision's ResNet-18, and parameters have the same names: conv1, bn1, layer1.0.conv1, …, fc. Source:
/// He et al., Deep residual learning for image recognition (2015).
struct ResNet: Block {
    static let name = "resnet"
    static let documentation = "Residual network: stem, stages, global average pooling, and a dense layer for classes."
    static let attributes: [AttributeSchema] =
        [
            .integers("filters", default: [64, 128, 256], 1...1e6, count: 1...64, "channels of each stage"),
            .integers("blocks", default: [2, 2, 2], 1...10000, count: 1...64, "residual blocks of each stage"),
            .string("stem", default: "7x7", choices: ["7x7", "3x3"], "7x7: for large images; 3x3: keeps the size"),
            .integer("classes", default: nil, 1...1e9, "size of the dense layer at the end; without it, none"),
        ] + ResidualForm.attributes

    private let filters, blocks: [Int]
    private let hasLargeStem: Bool
    private let classes: Int?
    private let form: ResidualForm

    init(_ attributes: Attributes) throws {
        filters = attributes.integers("filters")
        blocks = attributes.integers("blocks")
        hasLargeStem = attributes.string("stem") == "7x7"
        classes = attributes.optionalInteger("classes")
        form = ResidualForm(attributes)
        guard filters.count == blocks.count else {
            throw PluginError.attribute(
                "filters has \(filters.count) values and blocks \(blocks.count): give one of each per stage")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion)
        try chain.add(
            "cnn.conv2d", "conv1",
            [
                "filters": .integer(filters[0]), "kernel": .integers([hasLargeStem ? 7 : 3]),
                "stride": .integers([hasLargeStem ? 2 : 1]), "padding": .integers([hasLargeStem ? 3 : 1]),
                "bias": form.values.bias,
            ])
        try chain.add("core.batch_norm2d", "bn1")
        try chain.add("core.relu", "relu")
        if hasLargeStem {
            try chain.add(
                "cnn.max_pool2d", "maxpool",
                ["size": .integers([3]), "stride": .integers([2]), "padding": .integers([1])])
        }
        for (stage, (filters, blocks)) in zip(filters, blocks).enumerated() {
            try chain.add(
                "cnn.resnet_stage", "layer\(stage + 1)",
                [
                    "filters": .integer(filters), "blocks": .integer(blocks), "stride": .integer(stage == 0 ? 1 : 2),
                    "projection": .bool(stage > 0), "bias": form.values.bias, "projection_norm": form.values.norm,
                ])
        }
        try chain.add("cnn.global_avg_pool2d", "avgpool")
        if let classes {
            try chain.add("core.flatten", "flatten")
            try chain.add("core.dense", "fc", ["units": .integer(classes)])
        }
        try chain.finish()
    }
}
