import LaminaSDK

/// VGG: stages of 3 × 3 convolutions with relu, each stage ended by 2 × 2 max pooling; with `classes`, a dense head.
///
/// As it stands, the eight convolutions of VGG-11. The head is flatten, then dense, relu and dropout for each number in
/// `hidden`, then dense with `classes`. Nodes are numbered as in torchvision, features.0, features.1, … and
/// classifier.0, …, so that its parameters fit images of 224 × 224. Source: Simonyan, Zisserman, Very deep
/// convolutional networks for large-scale image recognition (2014), table 1.
struct VGG: Block {
    static let name = "vgg"
    static let documentation = "VGG: stages of 3 × 3 convolutions and max pooling, and a dense head for classes."
    static let attributes: [AttributeSchema] = [
        .integers("convolutions", default: [1, 1, 2, 2, 2], 1...1000, count: 1...64, "convolutions of each stage"),
        .integers("filters", default: [64, 128, 256, 512, 512], 1...1e6, count: 1...64, "channels of each stage"),
        .bool("batch_norm", default: false, "batch norm after each convolution"),
        .integer("classes", default: nil, 1...1e9, "size of the output; without it, no head"),
        .integers("hidden", default: [4096, 4096], 1...1e9, count: 0...64, "sizes of the head's hidden layers"),
        .bool("dropout", default: true, "dropout by half after each hidden layer"),
    ]

    private let convolutions, filters, hidden: [Int]
    private let normalises, dropsOut: Bool
    private let classes: Int?

    init(_ attributes: Attributes) throws {
        convolutions = attributes.integers("convolutions")
        filters = attributes.integers("filters")
        hidden = attributes.integers("hidden")
        normalises = attributes.bool("batch_norm")
        dropsOut = attributes.bool("dropout")
        classes = attributes.optionalInteger("classes")
        guard convolutions.count == filters.count else {
            throw PluginError.attribute(
                "convolutions has \(convolutions.count) values and filters \(filters.count): give one of each per stage"
            )
        }
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion)
        var position = 0
        func next(_ part: String) -> String {
            defer { position += 1 }
            return "\(part).\(position)"
        }
        for (count, filters) in zip(convolutions, filters) {
            for _ in 0..<count {
                try chain.add(
                    "cnn.conv2d", next("features"),
                    ["filters": .integer(filters), "kernel": .integers([3]), "padding": .integers([1])])
                if normalises { try chain.add("core.batch_norm2d", next("features")) }
                try chain.add("core.relu", next("features"))
            }
            try chain.add("cnn.max_pool2d", next("features"), ["size": .integers([2])])
        }
        if let classes {
            position = 0
            try chain.add("core.flatten", "flatten")
            for units in hidden {
                try chain.add("core.dense", next("classifier"), ["units": .integer(units)])
                try chain.add("core.relu", next("classifier"))
                if dropsOut { try chain.add("core.dropout", next("classifier")) }
            }
            try chain.add("core.dense", next("classifier"), ["units": .integer(classes)])
        }
        try chain.finish()
    }
}
