import LaminaSDK

/// Normal with a mean and a standard deviation. Reference: `torch.nn.init.normal_`.
struct NormalInitializer: Initializer {
    static let name = "normal"
    static let documentation = "Normal with mean and standard deviation."
    static let attributes: [AttributeSchema] = [
        .real("mean", default: 0, "Mean."),
        .real("std", default: 1, 0 ... .infinity, "Standard deviation."),
    ]

    private let mean, deviation: Double

    init(_ attributes: Attributes) {
        mean = attributes.real("mean")
        deviation = attributes.real("std")
    }

    func fill(_ out: Tensor, random: RandomStream, host: Host) { out.fillNormal(mean, deviation, random, host) }
}
