import LaminaSDK

/// DCGAN's discriminator: images [N, C, H, W] to logits [N, 1].
///
/// `stages` convolutions (kernel 4, stride 2, padding 1) halve the size; the first has `filters` channels, every later one
/// twice as many. Normalisation follows all but the first, leaky relu (0.2) and dropout all; then flatten and a dense
/// layer with one output. `norm: spectral` normalises the weights of all layers but the label's embedding instead:
/// `gan.spectral_conv2d` and `gan.spectral_dense`.
///
/// With `classes` the label enters in one of two ways: `condition: plane` joins an embedding of size × size to the image
/// as a channel, `projection` adds the product of an embedding and the flattened features to the logit. Nodes: conv1,
/// act1, drop1, conv2, bn2, …, flatten, head; label_embedding, plane and concat before them, or projected, product and
/// logits behind them. Sources: Radford, Metz, Chintala, Unsupervised representation learning with deep convolutional
/// generative adversarial networks (2015); Miyato, Koyama, cGANs with projection discriminator (2018).
struct DCGANDiscriminator: Block {
    static let name = "dcgan_discriminator"
    static let documentation = "DCGAN's discriminator: images to logits [N, 1], by convolutions with stride 2."
    static let inputs: [Port] = [Port("input", .required, "images [N, C, H, W]"), ClassLabel.port]
    static let attributes: [AttributeSchema] =
        [
            .integer("filters", default: 64, 1...1e6, "channels of the first convolution; twice as many a stage later"),
            .integer("stages", default: 2, 1...16, "number of convolutions"),
            .real("dropout", default: 0, 0...1, "the probability with which a hidden value becomes 0 in training"),
            ClassLabel.attribute,
            .string(
                "condition", default: "plane", choices: ["plane", "projection"],
                "classes: the label is a channel of the image, or is compared with the last features"),
            .integer("size", default: 28, 1...1e6, "classes: height and width of the images"),
        ] + ConvolutionForm.attributes(norm: .batch, [.batch, .instance, .spectral, .none])

    private let filters, stages, size: Int
    private let dropout: Double
    private let isProjection: Bool
    private let label: ClassLabel
    private let form: ConvolutionForm

    init(_ attributes: Attributes) throws {
        (filters, stages) = (attributes.integer("filters"), attributes.integer("stages"))
        size = attributes.integer("size")
        dropout = attributes.real("dropout")
        isProjection = attributes.string("condition") == "projection"
        label = ClassLabel(attributes)
        form = ConvolutionForm(attributes)
        guard label.classes == 0 || !isProjection || size >> stages > 0 else {
            throw PluginError.attribute(
                "stages is \(stages), but size \(size) cannot be halved so often: use fewer stages")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion, from: expansion.input())
        let label = try label.input(expansion)
        if let label, !isProjection { try addPlane(label, to: &chain) }
        for stage in 0..<stages {
            try chain.convolution(
                "conv\(stage + 1)", form, filters: filters << stage, kernel: 4, stride: 2, padding: 1,
                isLast: stage == 0)
            if stage > 0 { try chain.normalize("bn\(stage + 1)", form) }
            try chain.leaky("act\(stage + 1)")
            try chain.dropout("drop\(stage + 1)", rate: dropout)
        }
        try chain.add("core.flatten", "flatten")
        let features = chain.end
        try chain.dense("head", units: 1, form.norm, form.initial)
        if let label, isProjection { try addProjection(label, of: features, to: &chain) }
        try chain.finish()
    }

    private func addPlane(_ label: String, to chain: inout Chain) throws {
        var plane = Chain(
            chain.expansion, from: try self.label.embedding(chain.expansion, label, dimension: size * size))
        try plane.add("core.reshape", "plane", ["shape": .integers([1, size, size])])
        try chain.join("core.concat", "concat", with: plane.end)
    }

    /// logit + ⟨embedding of the label, features⟩
    private func addProjection(_ label: String, of features: String, to chain: inout Chain) throws {
        let count = (filters << (stages - 1)) * (size >> stages) * (size >> stages)
        var product = Chain(
            chain.expansion,
            from: try self.label.embedding(
                chain.expansion, label, dimension: count, initializers: form.initial.weights(bias: false)))
        try product.join("core.multiply", "projected", with: features)
        try product.add("core.reduce_sum", "product", ["axes": .integers([1]), "keep_dimensions": .bool(true)])
        try chain.join("core.add", "logits", with: product.end)
    }
}
