import LaminaSDK

/// Uniform in ±√3 · gain / √fan, which has the variance of `he_normal`.
///
/// With slope √5 this is the weight of `torch.nn.Linear` and `torch.nn.Conv2d`: ±1 / √fan_in. Reference: He et al.,
/// Delving Deep into Rectifiers (2015), section 2.2; `torch.nn.init.kaiming_uniform_`.
struct HeUniformInitializer: Initializer {
    static let name = "he_uniform"
    static let documentation = "Uniform in ±√3 · gain / √fan (He et al. 2015)."
    static let attributes = HeGain.attributes

    private let gain: HeGain

    init(_ attributes: Attributes) { gain = HeGain(attributes) }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        let bound = 3.0.squareRoot() * (try gain.deviation(out, for: Self.name))
        out.fillUniform(-bound, bound, random, host)
    }
}
