import LaminaSDK

/// A U-Net: images to images of the same size, with skips from each size of the encoder to that of the decoder.
///
/// The encoder halves the size `depth` times by convolutions (kernel 4, stride 2, padding 1) of filters · 1, 2, 4, 8, 8, …
/// channels; leaky relu (0.2) precedes all but the first, normalisation follows all but the first and the last. The
/// decoder doubles it as often by transposed convolutions behind relus; normalisation follows all but the last, dropout
/// the first three of these, and the encoder's output of that size joins as further channels. `output` bounds the images.
///
/// `size` tells how often the images can be halved: 28 twice, 32 five times. Without `depth` that is done, 8 times at
/// most, which is the paper's 256 × 256. Nodes: down1, … and up1, …, the outermost first, each with its norm and
/// activation; the output's activation. Source: Isola, Zhu, Zhou, Efros, Image-to-image translation with conditional
/// adversarial networks (2017), section 6.1.1.
struct UNet: Block {
    static let name = "unet"
    static let documentation = "U-Net: images to images of the same size, with skips between encoder and decoder."
    static let attributes: [AttributeSchema] =
        [
            .integer(
                "filters", default: 64, 1...1e6, "channels of the outermost convolution; further in up to 8 times"),
            .integer("channels", default: 1, 1...1e6, "channels of the images that are made"),
            .integer("size", default: 28, 2...1e6, "height and width of the images: a multiple of 2^depth"),
            .integer("depth", default: nil, 1...16, "how often the size is halved; default: as often as it can be"),
            .real("dropout", default: 0.5, 0...1, "of the decoder's first three norms, the share that becomes 0"),
            OutputActivation.attribute,
        ] + ConvolutionForm.attributes(norm: .batch, [.batch, .instance, .none])

    private let filters, channels, depth: Int
    private let dropout: Double
    private let output: OutputActivation
    private let form: ConvolutionForm

    private static let mostByDefault = 8
    private static let droppedOut = 3

    init(_ attributes: Attributes) throws {
        (filters, channels) = (attributes.integer("filters"), attributes.integer("channels"))
        let size = attributes.integer("size")
        guard size % 2 == 0 else {
            throw PluginError.attribute(
                "size \(size) is odd and cannot be halved: pad or resize the images to an even size, such as \(size + 1)"
            )
        }
        depth = attributes.optionalInteger("depth") ?? min(size.trailingZeroBitCount, Self.mostByDefault)
        dropout = attributes.real("dropout")
        output = OutputActivation(attributes)
        form = ConvolutionForm(attributes)
        try requireHalvings(depth, of: size, "depth")
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion, from: expansion.input())
        var skips: [String] = []
        for level in 1...depth {
            if level > 1 { try chain.leaky("down\(level).act") }
            let isPlain = level == 1 || level == depth
            try chain.convolution(
                "down\(level)", form, filters: filters(level), kernel: 4, stride: 2, padding: 1, isLast: isPlain)
            if !isPlain { try chain.normalize("down\(level).norm", form) }
            if level < depth { skips.append(chain.end) }
        }
        for level in (1...depth).reversed() {
            try chain.add("core.relu", "up\(level).act")
            try chain.transposed(
                "up\(level)", form, filters: level == 1 ? channels : filters(level - 1), kernel: 4, stride: 2,
                padding: 1, isLast: level == 1)
            if level == 1 { break }
            try chain.normalize("up\(level).norm", form)
            if depth - level < Self.droppedOut { try chain.dropout("up\(level).drop", rate: dropout) }
            try chain.join("core.concat", "up\(level).skip", with: skips[level - 2])
        }
        try output.add(to: &chain)
        try chain.finish()
    }

    private func filters(_ level: Int) -> Int { filters * min(1 << (level - 1), 8) }
}
