import LaminaSDK

/// Long short-term memory: c_t = f ∘ c_(t-1) + i ∘ g, h_t = o ∘ tanh(c_t).
///
/// i, f, o = σ(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), each with its rows of the weights, and g = tanh(…). input
/// [N, T, F]; optional lengths [N] (int64), hidden and cell [L·D, N, H]. Output 0 is [N, T, D·H] or, with
/// `returns: last`, [N, D·H]; outputs 1 and 2 the final h and c [L·D, N, H]; L layers, D directions. Parameters are those
/// of `torch.nn.LSTM`, gates in the order i, f, g, o: weight_ih_l0 [4H, F], weight_hh_l0 [4H, H], bias_ih_l0, bias_hh_l0
/// [4H], …_reverse. See `RecurrentLayer` for lengths. Hochreiter, Schmidhuber: Long Short-Term Memory (1997); with the
/// forget gate of Gers, Schmidhuber, Cummins: Learning to Forget (2000).
struct LSTM: RecurrentLayer {
    static let name = "lstm"
    static let documentation = "Long short-term memory."
    static let attributes =
        RecurrentSettings.attributes + [
            .real("forget_bias", default: 0, "added to the forget gate's bias_ih at initialisation")
        ]
    static let inputs = RecurrentInput.ports + [Port("cell", .optional, "initial cell states, like hidden")]

    let cell = RecurrentCell.lstm
    let settings: RecurrentSettings
    let forgetBias: Double

    init(_ attributes: Attributes) throws {
        settings = try RecurrentSettings(attributes)
        forgetBias = attributes.real("forget_bias")
        if forgetBias != 0, !settings.hasBias {
            throw PluginError.attribute("forget_bias is \(forgetBias), but bias is false: leave out one of them")
        }
    }

    func addInputBias(_ inference: Inference, _ name: String) throws {
        let bound = settings.bound
        if forgetBias == 0 { return try addBias(inference, name) }
        try inference.addParameter(
            name, [4 * settings.units], initializer: "rnn.gate_bias",
            [
                "low": .real(-bound), "high": .real(bound), "gates": .integer(4), "gate": .integer(1),
                "value": .real(forgetBias),
            ], noDecay: true)
    }
}
