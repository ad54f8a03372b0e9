import LaminaSDK

/// Gated recurrent unit: h_t = (1 − z) ∘ n + z ∘ h_(t-1).
///
/// r, z = σ(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), each with its rows of the weights. `reset: after`, as in PyTorch and
/// cuDNN: n = tanh(W_ih x_t + b_ih + r ∘ (W_hh h_(t-1) + b_hh)). `reset: before`, as published:
/// n = tanh(W_ih x_t + b_ih + W_hh (r ∘ h_(t-1)) + b_hh). input [N, T, F]; optional lengths [N] (int64) and hidden
/// [L·D, N, H]. Output 0 is [N, T, D·H] or, with `returns: last`, [N, D·H]; output 1 the final states [L·D, N, H];
/// L layers, D directions. Parameters are those of `torch.nn.GRU`, gates in the order r, z, n: weight_ih_l0 [3H, F],
/// weight_hh_l0 [3H, H], bias_ih_l0, bias_hh_l0 [3H], …_reverse. See `RecurrentLayer` for lengths. Cho et al.: Learning
/// Phrase Representations using RNN Encoder–Decoder (2014), where z and 1 − z are exchanged.
struct GRU: RecurrentLayer {
    static let name = "gru"
    static let documentation = "Gated recurrent unit, with the reset gate after or before the recurrent product."
    static let attributes =
        [
            .string(
                "reset", default: "after", choices: ["after", "before"],
                "where the reset gate acts: after the recurrent product (PyTorch, cuDNN) or before it (Cho et al. 2014)"
            )
        ] + RecurrentSettings.attributes

    let cell: RecurrentCell
    let settings: RecurrentSettings

    init(_ attributes: Attributes) throws {
        cell = attributes.string("reset") == "after" ? .gruAfter : .gruBefore
        settings = try RecurrentSettings(attributes)
    }
}
