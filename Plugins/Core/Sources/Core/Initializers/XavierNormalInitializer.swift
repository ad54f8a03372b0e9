import LaminaSDK

/// Normal with mean 0 and standard deviation gain √(2 / (fan_in + fan_out)).
///
/// Reference: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010),
/// equation 12; `torch.nn.init.xavier_normal_`.
struct XavierNormalInitializer: Initializer {
    static let name = "xavier_normal"
    static let documentation = "Normal with deviation gain √(2 / (fan_in + fan_out)) (Glorot and Bengio 2010)."
    static let attributes = [Fans.gain]

    private let gain: Double

    init(_ attributes: Attributes) { gain = attributes.real("gain") }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        let fans = try Fans(out, for: Self.name)
        out.fillNormal(0, gain * (2 / (fans.input + fans.output)).squareRoot(), random, host)
    }
}
