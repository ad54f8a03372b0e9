import LaminaSDK

/// How a loss combines its terms into one number.
enum Reduction: String {
    case mean, sum

    static let schema = AttributeSchema.string(
        "reduction", default: "mean", choices: ["mean", "sum"], "How the terms of the batch combine.")

    init(_ attributes: Attributes) {
        self = Reduction(rawValue: attributes.string("reduction"))!
    }
}
