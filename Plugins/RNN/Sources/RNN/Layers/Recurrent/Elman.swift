import LaminaSDK

/// The simple recurrent network: h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or max(…, 0).
///
/// input [N, T, F]; optional lengths [N] (int64) and hidden [L·D, N, H]. Output 0 is [N, T, D·H] or, with `returns: last`,
/// [N, D·H]; output 1 the final states [L·D, N, H]; L layers, D directions. Parameters are those of `torch.nn.RNN`:
/// weight_ih_l0 [H, F], weight_hh_l0 [H, H], bias_ih_l0, bias_hh_l0 [H], …_reverse. See `RecurrentLayer` for lengths.
/// Elman: Finding Structure in Time, Cognitive Science 14 (1990).
struct Elman: RecurrentLayer {
    static let name = "elman"
    static let documentation = "Simple recurrent layer: h = tanh(W x + U h), or with relu."
    static let attributes =
        [.string("activation", default: "tanh", choices: ["tanh", "relu"], "what makes the new state of the sum")]
        + RecurrentSettings.attributes

    let cell: RecurrentCell
    let settings: RecurrentSettings

    init(_ attributes: Attributes) throws {
        cell = attributes.string("activation") == "relu" ? .relu : .tanh
        settings = try RecurrentSettings(attributes)
    }
}
