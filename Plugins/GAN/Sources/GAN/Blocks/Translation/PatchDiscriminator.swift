import LaminaSDK

/// A discriminator of patches: images [N, C, H, W] to a map of logits [N, 1, h, w], one per patch.
///
/// `stages` convolutions with stride 2 (kernel 4, padding 1) of filters · 1, 2, 4, 8, 8, … channels, one more with stride 1,
/// and one to the logits with stride 1. Normalisation follows all but the first and the last, leaky relu (0.2) all but the
/// last. With a `condition` its channels come before those of the image, as where images are translated. As it stands, a
/// logit sees 70 × 70; for images of 28 × 28 `stages: 2` leaves a map of 5 × 5. Nodes: concat, conv1, act1, conv2, norm2,
/// …, head. Source: Isola, Zhu, Zhou, Efros, Image-to-image translation with conditional adversarial networks (2017),
/// section 6.1.2.
struct PatchDiscriminator: Block {
    static let name = "patch_discriminator"
    static let documentation = "Discriminator of patches: images to a map of logits [N, 1, h, w]."
    static let inputs: [Port] = [
        Port("input", .required, "images [N, C, H, W]"),
        Port("condition", .optional, "images [N, D, H, W] that belong to them"),
    ]
    static let attributes: [AttributeSchema] =
        [
            .integer("filters", default: 64, 1...1e6, "channels of the first convolution; later ones up to 8 times"),
            .integer("stages", default: 3, 1...16, "number of convolutions with stride 2"),
        ] + ConvolutionForm.attributes(norm: .batch, [.batch, .instance, .spectral, .none])

    private let filters, stages: Int
    private let form: ConvolutionForm

    init(_ attributes: Attributes) {
        (filters, stages) = (attributes.integer("filters"), attributes.integer("stages"))
        form = ConvolutionForm(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        var chain = Chain(expansion, from: expansion.input())
        if expansion.inputCount > 1 {
            chain = Chain(expansion, from: expansion.input(1))
            try chain.join("core.concat", "concat", with: expansion.input())
        }
        for stage in 0...stages {
            try chain.convolution(
                "conv\(stage + 1)", form, filters: filters * min(1 << stage, 8), kernel: 4,
                stride: stage < stages ? 2 : 1, padding: 1, isLast: stage == 0)
            if stage > 0 { try chain.normalize("norm\(stage + 1)", form) }
            try chain.leaky("act\(stage + 1)")
        }
        try chain.convolution("head", form, filters: 1, kernel: 4, padding: 1, isLast: true)
        try chain.finish()
    }
}
