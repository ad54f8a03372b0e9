import LaminaSDK

/// What is behind a convolution, or in the case of spectral normalisation done to its weights.
enum Normalization: String {
    case none, batch, instance, spectral

    static func attribute(default norm: Normalization, _ choices: [Normalization]) -> AttributeSchema {
        .string("norm", default: norm.rawValue, choices: choices.map(\.rawValue), "normalisation of hidden layers")
    }

    init(_ attributes: Attributes) { self = Normalization(rawValue: attributes.string("norm"))! }
}
