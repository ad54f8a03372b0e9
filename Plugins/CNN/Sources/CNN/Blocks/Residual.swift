import LaminaSDK

/// The residual block of two 3 × 3 convolutions: y = relu(norm(conv(relu(norm(conv(x))))) + skip(x)).
///
/// The first convolution moves by `stride`. The skip is x itself, or with `projection` a 1 × 1 convolution of x with
/// that stride, which a change of channels or size needs. As it stands, convolutions have biases and the projection no
/// normalisation, as in Zhang et al., Dive into Deep Learning, section 8.6; `bias: false, projection_norm: true` gives
/// the form of torchvision. Nodes: conv1, bn1, relu1, conv2, bn2, downsample.0 (and .1), add, relu2. Source: He et al.,
/// Deep residual learning for image recognition (2015), figure 2.
struct Residual: Block {
    static let name = "residual"
    static let documentation = "Residual block: two 3 × 3 convolutions with batch norm, and a skip around them."
    static let attributes: [AttributeSchema] =
        [
            .integer("filters", 1...1e6, "channels of the block"),
            .integer("stride", default: 1, 1...largestExtent, "step of the first convolution"),
            .bool("projection", default: false, "a 1 × 1 convolution on the skip"),
        ] + ResidualForm.attributes

    private let filters, stride: Int
    private let projects: Bool
    private let form: ResidualForm

    init(_ attributes: Attributes) throws {
        filters = attributes.integer("filters")
        stride = attributes.integer("stride")
        projects = attributes.bool("projection")
        form = ResidualForm(attributes)
        guard stride == 1 || projects else {
            throw PluginError.attribute("stride is \(stride), so the skip has to shrink too: set projection: true")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var main = Chain(expansion)
        try main.add("cnn.conv2d", "conv1", convolution(kernel: 3, stride: stride))
        try main.add("core.batch_norm2d", "bn1")
        try main.add("core.relu", "relu1")
        try main.add("cnn.conv2d", "conv2", convolution(kernel: 3, stride: 1))
        try main.add("core.batch_norm2d", "bn2")

        var skip = Chain(expansion)
        if projects {
            try skip.add("cnn.conv2d", "downsample.0", convolution(kernel: 1, stride: stride))
            if form.normalisesProjection { try skip.add("core.batch_norm2d", "downsample.1") }
        }
        let sum = try expansion.add("core.add", name: "add", inputs: [main.end, skip.end])
        var end = Chain(expansion, from: sum)
        try end.add("core.relu", "relu2")
        try end.finish()
    }

    private func convolution(kernel: Int, stride: Int) -> KeyValuePairs<String, AttributeValue> {
        [
            "filters": .integer(filters), "kernel": .integers([kernel]), "stride": .integers([stride]),
            "padding": .integers([kernel / 2]), "bias": .bool(form.hasBias),
        ]
    }
}

/// The two details in which published residual blocks differ.
struct ResidualForm {
    let hasBias: Bool
    let normalisesProjection: Bool

    static let attributes: [AttributeSchema] = [
        .bool("bias", default: true, "convolutions have biases, though batch norm takes them away again"),
        .bool("projection_norm", default: false, "batch norm after the projection, as in torchvision"),
    ]

    init(_ attributes: Attributes) {
        hasBias = attributes.bool("bias")
        normalisesProjection = attributes.bool("projection_norm")
    }

    /// To hand on to a nested block.
    var values: (bias: AttributeValue, norm: AttributeValue) { (.bool(hasBias), .bool(normalisesProjection)) }
}
