import LaminaSDK

/// What the convolutions of a block have in common.
struct ConvolutionForm {
    let norm: Normalization
    private let hasBias: Bool
    let initial: InitialValues

    static func attributes(norm: Normalization, _ choices: [Normalization]) -> [AttributeSchema] {
        [
            Normalization.attribute(default: norm, choices),
            .bool("bias", default: true, "convolutions before a normalisation have biases, too"),
            InitialValues.attribute(default: 0.02),
        ]
    }

    init(_ attributes: Attributes) {
        norm = Normalization(attributes)
        hasBias = attributes.bool("bias")
        initial = InitialValues(attributes)
    }

    /// Whether a convolution has a bias; `isLast`: no normalisation follows it.
    func hasBias(isLast: Bool) -> Bool { hasBias || isLast || norm == .none || norm == .spectral }
}
