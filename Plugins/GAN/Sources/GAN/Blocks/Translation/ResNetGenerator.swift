import LaminaSDK

/// A residual generator: images to images of the same size.
///
/// A 7 × 7 convolution of `filters` channels; `stages` convolutions (kernel 3, stride 2, padding 1) that halve the size and
/// double the channels; residual blocks; as many transposed convolutions (kernel 3, stride 2, padding 1, output_padding 1)
/// back; a 7 × 7 convolution to `channels`. Normalisation and relu follow all but the last, which `output` follows. The
/// 7 × 7 convolutions and those of the residual blocks see mirrored edges. Height and width must be multiples of
/// 2^stages, or the images grow up to that.
///
/// Nodes: stem, down1, …, block1, …, up1, …, head, each with its pad, norm and act. Source: Zhu, Park, Isola, Efros,
/// Unpaired image-to-image translation using cycle-consistent adversarial networks (2017), section 7.2; Johnson, Alahi,
/// Fei-Fei, Perceptual losses for real-time style transfer and super-resolution (2016).
struct ResNetGenerator: Block {
    static let name = "resnet_generator"
    static let documentation = "Residual generator: images to images of the same size, as in CycleGAN."
    static let attributes: [AttributeSchema] =
        [
            .integer("filters", default: 64, 1...1e6, "channels of the first convolution"),
            .integer("channels", default: 1, 1...1e6, "channels of the images that are made"),
            .integer("blocks", default: 6, 0...1000, "number of residual blocks; 9 for images of 256 × 256"),
            .integer("stages", default: 2, 0...16, "how often the size is halved"),
            OutputActivation.attribute,
        ] + ConvolutionForm.attributes(norm: .instance, [.instance, .batch, .none])

    private let filters, channels, blocks, stages: Int
    private let output: OutputActivation
    private let form: ConvolutionForm

    init(_ attributes: Attributes) {
        (filters, channels) = (attributes.integer("filters"), attributes.integer("channels"))
        (blocks, stages) = (attributes.integer("blocks"), attributes.integer("stages"))
        output = OutputActivation(attributes)
        form = ConvolutionForm(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion, from: expansion.input())
        try chain.mirrored("stem", form, filters: filters, kernel: 7)
        try chain.normalizedReLU("stem", form)
        for stage in 0..<stages {
            let name = "down\(stage + 1)"
            try chain.convolution(name, form, filters: filters << (stage + 1), kernel: 3, stride: 2, padding: 1)
            try chain.normalizedReLU(name, form)
        }
        for block in 0..<blocks { try addResidual("block\(block + 1)", to: &chain) }
        for stage in (0..<stages).reversed() {
            let name = "up\(stage + 1)"
            try chain.transposed(
                name, form, filters: filters << stage, kernel: 3, stride: 2, padding: 1, outputPadding: 1)
            try chain.normalizedReLU(name, form)
        }
        try chain.mirrored("head", form, filters: channels, kernel: 7, isLast: true)
        try output.add(to: &chain)
        try chain.finish()
    }

    /// x + norm(conv(relu(norm(conv(x)))))
    private func addResidual(_ name: String, to chain: inout Chain) throws {
        let skip = chain.end
        for part in 1...2 {
            try chain.mirrored("\(name).conv\(part)", form, filters: filters << stages, kernel: 3)
            try chain.normalize("\(name).conv\(part).norm", form)
            if part == 1 { try chain.add("core.relu", "\(name).conv1.act") }
        }
        try chain.join("core.add", "\(name).add", with: skip)
    }
}

extension Chain {
    /// A convolution that keeps the size by mirroring the edges.
    fileprivate mutating func mirrored(
        _ name: String, _ form: ConvolutionForm, filters: Int, kernel: Int, isLast: Bool = false
    ) throws {
        let margin: AttributeValue = .integers([kernel / 2, kernel / 2])
        try add("core.pad", "\(name).pad", ["before": margin, "after": margin, "mode": .string("reflect")])
        try convolution(name, form, filters: filters, kernel: kernel, isLast: isLast)
    }

    fileprivate mutating func normalizedReLU(_ name: String, _ form: ConvolutionForm) throws {
        try normalize("\(name).norm", form)
        try add("core.relu", "\(name).act")
    }
}
