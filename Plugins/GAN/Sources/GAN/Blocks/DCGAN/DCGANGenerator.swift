import LaminaSDK

/// DCGAN's generator: noise [N, Z] to images [N, channels, size, size].
///
/// A transposed convolution makes images of size / 2^stages with filters · 2^(stages − 1) channels of the noise; `stages`
/// further ones (kernel 4, stride 2, padding 1) double the size and halve the channels, the last one makes `channels`.
/// Batch norm and relu follow all but the last, which `output` follows. With `classes` an embedding of the label, as long
/// as there are classes, joins the noise.
///
/// As it stands: 64 × 7 × 7 by 2 for images of 28 × 28; `{ size: 64, stages: 4, channels: 3, filters: 128, bias: false }` has
/// the paper's 1024 to 128 channels, with kernels of 4 where the paper has 5. Nodes: reshape, conv1, bn1, act1, …, the last
/// convolution, the output's activation; label_embedding and concat before them. Source: Radford, Metz, Chintala,
/// Unsupervised representation learning with deep convolutional generative adversarial networks (2015).
struct DCGANGenerator: Block {
    static let name = "dcgan_generator"
    static let documentation = "DCGAN's generator: noise [N, Z] to images, by transposed convolutions."
    static let inputs: [Port] = [Port("noise", .required, "noise [N, Z]"), ClassLabel.port]
    static let attributes: [AttributeSchema] =
        [
            .integer(
                "filters", default: 64, 1...1e6, "channels before the last convolution; twice as many a stage before"),
            .integer("channels", default: 1, 1...1e6, "channels of the images"),
            .integer("size", default: 28, 1...1e6, "height and width of the images"),
            .integer("stages", default: 2, 1...16, "how often the size doubles"),
            OutputActivation.attribute, ClassLabel.attribute,
        ] + ConvolutionForm.attributes(norm: .batch, [.batch, .instance, .none])

    private let filters, channels, size, stages: Int
    private let output: OutputActivation
    private let label: ClassLabel
    private let form: ConvolutionForm

    init(_ attributes: Attributes) throws {
        (filters, channels) = (attributes.integer("filters"), attributes.integer("channels"))
        (size, stages) = (attributes.integer("size"), attributes.integer("stages"))
        output = OutputActivation(attributes)
        label = ClassLabel(attributes)
        form = ConvolutionForm(attributes)
        try requireHalvings(stages, of: size, "stages")
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion, from: expansion.input())
        try label.concatenate(to: &chain)
        try chain.add("core.reshape", "reshape", ["shape": .integers([-1, 1, 1])])
        for stage in 0..<stages {
            let filters = filters << (stages - 1 - stage)
            if stage == 0 {
                try chain.transposed("conv1", form, filters: filters, kernel: size >> stages)
            } else {
                try chain.transposed("conv\(stage + 1)", form, filters: filters, kernel: 4, stride: 2, padding: 1)
            }
            try chain.normalize("bn\(stage + 1)", form)
            try chain.add("core.relu", "act\(stage + 1)")
        }
        try chain.transposed(
            "conv\(stages + 1)", form, filters: channels, kernel: 4, stride: 2, padding: 1, isLast: true)
        try output.add(to: &chain)
        try chain.finish()
    }
}

/// Fails unless a size is a multiple of 2^halvings.
func requireHalvings(_ halvings: Int, of size: Int, _ attribute: String) throws {
    guard size.trailingZeroBitCount < halvings else { return }
    let possible = size.trailingZeroBitCount
    throw PluginError.attribute(
        "\(attribute) is \(halvings), but size \(size) can be halved \(possible == 0 ? "not at all" : "\(possible) times only"): use "
            + (possible == 0 ? "" : "that many, or ") + "a size that is a multiple of \(1 << halvings)")
}
