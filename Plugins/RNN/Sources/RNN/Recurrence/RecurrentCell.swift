import CRecurrent

/// What a step computes; see recurrent.h.
enum RecurrentCell {
    case tanh, relu, lstm, gruAfter, gruBefore

    /// Parts of the weights' first axis.
    var gates: Int { Int(lamina_recurrent_gates(raw)) }

    /// Whether there is a second state, c.
    var hasCellState: Bool { self == .lstm }

    /// Whether backward needs more than the gates and the states before each step.
    var keepsExtra: Bool { self != .tanh && self != .relu }

    var raw: Int64 {
        switch self {
        case .tanh: Int64(LAMINA_RECURRENT_TANH)
        case .relu: Int64(LAMINA_RECURRENT_RELU)
        case .lstm: Int64(LAMINA_RECURRENT_LSTM)
        case .gruAfter: Int64(LAMINA_RECURRENT_GRU_AFTER)
        case .gruBefore: Int64(LAMINA_RECURRENT_GRU_BEFORE)
        }
    }
}
