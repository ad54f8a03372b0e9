import LaminaSDK

/// A matrix with `gain` on the diagonal and 0 elsewhere; it need not be square.
///
/// Reference: `torch.nn.init.eye_`; for recurrent weights: Le et al., A Simple Way to Initialize Recurrent Networks of
/// Rectified Linear Units (2015).
struct IdentityInitializer: Initializer {
    static let name = "identity"
    static let documentation = "A matrix with gain on the diagonal and 0 elsewhere."
    static let attributes = [Fans.gain]

    private let gain: Float

    init(_ attributes: Attributes) { gain = attributes.float("gain") }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        guard out.rank == 2 else {
            throw PluginError.shape("core.identity needs a matrix, got a parameter of shape \(out.shape)")
        }
        guard out.count > 0 else { return }
        out.floats.update(repeating: 0, count: out.count)
        for i in 0..<min(out.size(0), out.size(1)) { out.floats[i * out.size(1) + i] = gain }
    }
}
