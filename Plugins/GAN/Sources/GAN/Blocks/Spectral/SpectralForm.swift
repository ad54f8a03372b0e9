import LaminaSDK

/// What blocks with spectral normalisation have in common.
struct SpectralForm {
    private let iterations: Int
    private let hasBias: Bool
    private let initial: InitialValues

    static let attributes: [AttributeSchema] = [
        .integer("iterations", default: 1, 1...1000, "power iterations in each training step"),
        .bool("bias", default: true, "adds a trained bias"),
        InitialValues.attribute(default: nil),
    ]

    init(_ attributes: Attributes) {
        iterations = attributes.integer("iterations")
        hasBias = attributes.bool("bias")
        initial = InitialValues(attributes)
    }

    /// The layer without a bias, and the normalisation behind it.
    func expand(
        _ expansion: Expansion, _ layer: String, _ attributes: [(name: String, value: AttributeValue)],
        kernel: [(name: String, value: AttributeValue)]
    ) throws {
        let linear = try expansion.add(
            layer, name: "linear", inputs: [expansion.input()], attributes + [("bias", .bool(false))],
            initializers: initial.weights(bias: false))
        let norm = try expansion.add(
            "gan.spectral_norm", name: "norm", inputs: [linear, expansion.input()],
            kernel + [("iterations", .integer(iterations)), ("bias", .bool(hasBias))], sharing: "linear",
            initializers: hasBias ? initial.bias : [:])
        try expansion.addOutput(norm)
    }
}
