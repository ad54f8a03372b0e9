import LaminaSDK

/// Normal with mean 0 and standard deviation gain / √fan.
///
/// gain is √2 after relu, √(2 / (1 + slope²)) after leaky_relu, 5/3 after tanh, 3/4 after selu, else 1. Reference: He
/// et al., Delving Deep into Rectifiers (2015), section 2.2; `torch.nn.init.kaiming_normal_`.
struct HeNormalInitializer: Initializer {
    static let name = "he_normal"
    static let documentation = "Normal with standard deviation gain / √fan (He et al. 2015)."
    static let attributes = HeGain.attributes

    private let gain: HeGain

    init(_ attributes: Attributes) { gain = HeGain(attributes) }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        out.fillNormal(0, try gain.deviation(out, for: Self.name), random, host)
    }
}
