import LaminaSDK

/// What Elman, LSTM and GRU have in common: inputs, shapes, parameters.
///
/// With lengths, step t of sample n takes part if t < lengths[n], as with PyTorch's `pack_padded_sequence`: outputs beyond
/// are 0, final states are those after the sample's last step, and the reverse direction begins there. A length of 0 gives
/// outputs 0 and passes the initial state on. What the input holds beyond the lengths has no influence, but has to be
/// finite. A length outside of 0 ... T is an error. With `returns: last` output 0 has the last layer's final states,
/// forward and reverse beside each other.
protocol RecurrentLayer: Layer {
    var cell: RecurrentCell { get }
    var settings: RecurrentSettings { get }
    /// Declares a layer's bias_ih.
    func addInputBias(_ inference: Inference, _ name: String) throws
}

/// Which input is which.
enum RecurrentInput {
    static let sequence = 0
    static let lengths = 1
    static let hidden = 2
    /// Of an LSTM only.
    static let cell = 3

    static var ports: [Port] {
        [
            Port("input", .required, "sequences [N, T, features]"),
            Port("lengths", .optional, "steps of each sample [N], int64; all T unless given"),
            Port("hidden", .optional, "initial states [layers · directions, N, units]; 0 unless given"),
        ]
    }
}

extension RecurrentLayer {
    static var inputs: [Port] { RecurrentInput.ports }

    func infer(_ inference: Inference) throws {
        let (host, units, directions) = (inference.host, settings.units, settings.directions)
        try inference.require(RecurrentInput.sequence, .float32)
        let shape = inference.shape(RecurrentInput.sequence)
        guard shape.count == 3 else {
            throw PluginError.shape(
                "the input has shape \(host.text(shape)), wanted 3 dimensions [N, T, features]", input: 0)
        }
        let batch = shape[0]
        let features = try inference.literal(
            shape[2], "the input's last dimension, on which the weights' shape depends,")
        let state = [Dimension(settings.layers * directions), batch, Dimension(units)]
        try check(inference, RecurrentInput.lengths, "lengths", .int64, [batch])
        try check(inference, RecurrentInput.hidden, "hidden", .float32, state)
        if cell.hasCellState { try check(inference, RecurrentInput.cell, "cell", .float32, state) }

        let last = Dimension(directions * units)
        try inference.addOutput(.float32, settings.returnsAll ? [batch, shape[1], last] : [batch, last])
        try inference.addOutput(.float32, state)
        if cell.hasCellState { try inference.addOutput(.float32, state) }
        for layer in 0..<settings.layers {
            for suffix in directions == 1 ? [""] : ["", "_reverse"] {
                try addParameters(
                    inference, "_l\(layer)\(suffix)", features: layer == 0 ? features : directions * units)
            }
        }
    }

    private func check(
        _ inference: Inference, _ index: Int, _ name: String, _ type: DataType, _ wanted: [Dimension]
    ) throws {
        guard inference.isConnected(index) else { return }
        try inference.require(index, type)
        let shape = inference.shape(index)
        guard shape == wanted else {
            let host = inference.host
            throw PluginError.shape(
                "\(name) has shape \(host.text(shape)), wanted \(host.text(wanted))", input: index)
        }
    }

    private func addParameters(_ inference: Inference, _ suffix: String, features: Int) throws {
        let (rows, bound) = (cell.gates * settings.units, settings.bound)
        let range: KeyValuePairs<String, AttributeValue> = ["low": .real(-bound), "high": .real(bound)]
        try inference.addParameter("weight_ih" + suffix, [rows, features], initializer: "core.uniform", range)
        if settings.isOrthogonal {
            try inference.addParameter(
                "weight_hh" + suffix, [rows, settings.units], initializer: "rnn.orthogonal_gates",
                ["gates": .integer(cell.gates)])
        } else {
            try inference.addParameter(
                "weight_hh" + suffix, [rows, settings.units], initializer: "core.uniform", range)
        }
        guard settings.hasBias else { return }
        try addInputBias(inference, "bias_ih" + suffix)
        try addBias(inference, "bias_hh" + suffix)
    }

    func addInputBias(_ inference: Inference, _ name: String) throws { try addBias(inference, name) }

    func addBias(_ inference: Inference, _ name: String) throws {
        let bound = settings.bound
        try inference.addParameter(
            name, [cell.gates * settings.units], initializer: "core.uniform",
            ["low": .real(-bound), "high": .real(bound)], noDecay: true)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        RecurrentPlan(planning, RecurrentShape(cell, settings, planning.input(RecurrentInput.sequence)))
    }
}
