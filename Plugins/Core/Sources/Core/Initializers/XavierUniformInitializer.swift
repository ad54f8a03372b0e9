import LaminaSDK

/// Uniform in ±gain √(6 / (fan_in + fan_out)).
///
/// Reference: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010),
/// equation 16; `torch.nn.init.xavier_uniform_`.
struct XavierUniformInitializer: Initializer {
    static let name = "xavier_uniform"
    static let documentation = "Uniform in ±gain √(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."
    static let attributes = [Fans.gain]

    private let gain: Double

    init(_ attributes: Attributes) { gain = attributes.real("gain") }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        let fans = try Fans(out, for: Self.name)
        let bound = gain * (6 / (fans.input + fans.output)).squareRoot()
        out.fillUniform(-bound, bound, random, host)
    }
}
