import LaminaSDK

/// A dense layer with spectral normalisation: `core.dense` without a bias, and `gan.spectral_norm` with its weight and a
/// bias of its own.
///
/// Nodes: linear, norm; parameters linear.weight, norm.bias, buffers norm.weight_u, norm.weight_v. Source: Miyato, Kataoka,
/// Koyama, Yoshida, Spectral normalization for generative adversarial networks (2018).
struct SpectralDense: Block {
    static let name = "spectral_dense"
    static let documentation = "Dense layer whose weight is divided by its largest singular value."
    static let attributes: [AttributeSchema] =
        [.integer("units", 1...1e9, "size of the output's last axis")] + SpectralForm.attributes

    private let units: Int
    private let form: SpectralForm

    init(_ attributes: Attributes) {
        units = attributes.integer("units")
        form = SpectralForm(attributes)
    }

    func expand(_ expansion: Expansion) throws {
        try form.expand(expansion, "core.dense", [("units", .integer(units))], kernel: [])
    }
}
