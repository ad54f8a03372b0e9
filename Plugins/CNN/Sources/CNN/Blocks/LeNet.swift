import LaminaSDK

/// LeNet-5: two 5 × 5 convolutions of 6 and 16 channels, each followed by pooling, and three dense layers.
///
/// For 28 × 28 images; for the 32 × 32 of the paper set `padding: 0`. The paper's activation is a scaled tanh and its
/// pooling an average; `activation: core.relu, pool: max` is the form in use today. Nodes: conv1, act1, pool1, conv2,
/// act2, pool2, flatten, fc1, act3, fc2, act4, fc3. Source: LeCun, Bottou, Bengio, Haffner, Gradient-based learning
/// applied to document recognition (1998), section II.B.
struct LeNet: Block {
    static let name = "lenet"
    static let documentation = "LeNet-5 for small images: two convolutions with pooling, three dense layers."
    static let attributes: [AttributeSchema] = [
        .integer("classes", default: 10, 1...1e9, "size of the output"),
        .string("activation", default: "core.tanh", "id of the activation layer, such as core.sigmoid or core.relu"),
        .string("pool", default: "avg", choices: ["avg", "max"], "kind of pooling"),
        .integer("padding", default: 2, 0...largestExtent, "padding of the first convolution"),
    ]

    private let classes, padding: Int
    private let activation, pool: String

    init(_ attributes: Attributes) {
        classes = attributes.integer("classes")
        activation = attributes.string("activation")
        pool = "cnn.\(attributes.string("pool"))_pool2d"
        padding = attributes.integer("padding")
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion)
        for (index, filters) in [6, 16].enumerated() {
            try chain.add(
                "cnn.conv2d", "conv\(index + 1)",
                [
                    "filters": .integer(filters), "kernel": .integers([5]),
                    "padding": .integers([index == 0 ? padding : 0]),
                ])
            try chain.add(activation, "act\(index + 1)")
            try chain.add(pool, "pool\(index + 1)", ["size": .integers([2])])
        }
        try chain.add("core.flatten", "flatten")
        for (index, units) in [120, 84].enumerated() {
            try chain.add("core.dense", "fc\(index + 1)", ["units": .integer(units)])
            try chain.add(activation, "act\(index + 3)")
        }
        try chain.add("core.dense", "fc3", ["units": .integer(classes)])
        try chain.finish()
    }
}
