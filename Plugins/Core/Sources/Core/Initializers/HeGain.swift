import LaminaSDK

/// gain / √fan of the He initializers, from their attributes.
struct HeGain {
    private let usesOutput: Bool
    private let gain: Double

    static let attributes: [AttributeSchema] = [
        .string(
            "mode", default: "fan_in", choices: ["fan_in", "fan_out"],
            "Keep the variance of activations (fan_in) or of gradients (fan_out)."),
        .string(
            "nonlinearity", default: "leaky_relu",
            choices: ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"], "What follows; it sets the gain."),
        .real("slope", default: 0, "Slope of leaky_relu for negative numbers."),
    ]

    init(_ attributes: Attributes) {
        usesOutput = attributes.string("mode") == "fan_out"
        let slope = attributes.real("slope")
        gain =
            switch attributes.string("nonlinearity") {
            case "relu": 2.0.squareRoot()
            case "leaky_relu": (2 / (1 + slope * slope)).squareRoot()
            case "tanh": 5.0 / 3
            case "selu": 0.75
            default: 1
            }
    }

    func deviation(_ out: Tensor, for name: String) throws -> Double {
        let fans = try Fans(out, for: name)
        return gain / (usesOutput ? fans.output : fans.input).squareRoot()
    }
}
