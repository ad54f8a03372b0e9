import LaminaSDK

/// A convolution of images with spectral normalisation: `cnn.conv2d` without a bias, and `gan.spectral_norm` with its
/// weight and a bias of its own.
///
/// Nodes: linear, norm; parameters linear.weight, norm.bias, buffers norm.weight_u, norm.weight_v. Source: Miyato, Kataoka,
/// Koyama, Yoshida, Spectral normalization for generative adversarial networks (2018).
struct SpectralConvolution: Block {
    static let name = "spectral_conv2d"
    static let documentation = "Convolution of images whose weight is divided by its largest singular value."
    static let attributes: [AttributeSchema] =
        [
            .integer("filters", 1...1e9, "output channels"),
            .integers("kernel", 1...1e6, count: 1...2, "size of the kernel, one for both axes or one per axis"),
            .integers("stride", default: [1], 1...1e6, count: 1...2, "step between outputs, one or one per axis"),
            .integers("padding", default: [0], 0...1e6, count: 1...4, "zeros around the input, as in cnn.conv2d"),
            .integers(
                "dilation", default: [1], 1...1e6, count: 1...2, "step between the inputs that a kernel sees"),
        ] + SpectralForm.attributes

    private let filters: Int
    private let extents: [(name: String, value: AttributeValue)]
    private let kernel: [Int]
    private let form: SpectralForm

    init(_ attributes: Attributes) {
        filters = attributes.integer("filters")
        kernel = attributes.integers("kernel")
        extents = ["kernel", "stride", "padding", "dilation"].map { ($0, .integers(attributes.integers($0))) }
        form = SpectralForm(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        try form.expand(
            expansion, "cnn.conv2d", [("filters", .integer(filters))] + extents, kernel: [("kernel", .integers(kernel))]
        )
    }
}
