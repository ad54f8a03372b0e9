import LaminaSDK

/// Uniform in [low, high). Reference: `torch.nn.init.uniform_`.
struct UniformInitializer: Initializer {
    static let name = "uniform"
    static let documentation = "Uniform in [low, high)."
    static let attributes: [AttributeSchema] = [
        .real("low", default: 0, "Lower bound."),
        .real("high", default: 1, "Upper bound."),
    ]

    private let low, high: Double

    init(_ attributes: Attributes) throws {
        low = attributes.real("low")
        high = attributes.real("high")
        guard low <= high else { throw PluginError.attribute("low is \(low), above high, \(high): swap them") }
    }

    func fill(_ out: Tensor, random: RandomStream, host: Host) { out.fillUniform(low, high, random, host) }
}
