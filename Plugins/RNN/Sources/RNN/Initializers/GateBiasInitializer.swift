import LaminaSDK

/// Uniform in [low, high), and `value` more in the part of one gate.
///
/// The parameter's first axis is cut into `gates` equal parts. With a value of 1 for the forget gate an LSTM remembers
/// from the start: Gers, Schmidhuber, Cummins: Learning to Forget (2000); Jozefowicz, Zaremba, Sutskever: An Empirical
/// Exploration of Recurrent Network Architectures (2015), section 2.2.
struct GateBiasInitializer: Initializer {
    static let name = "gate_bias"
    static let documentation = "Uniform in [low, high), plus a value in the part of one gate."
    static let attributes: [AttributeSchema] = [
        .real("low", default: 0, "Lower bound."),
        .real("high", default: 0, "Upper bound."),
        .integer("gates", 1...64, "Parts of the first axis, one per gate."),
        .integer("gate", 0...63, "The gate that gets more."),
        .real("value", default: 1, "How much more."),
    ]

    private let low, high: Double
    private let gates, gate: Int
    private let value: Float

    init(_ attributes: Attributes) throws {
        (low, high) = (attributes.real("low"), attributes.real("high"))
        (gates, gate) = (attributes.integer("gates"), attributes.integer("gate"))
        value = attributes.float("value")
        if gate >= gates {
            throw PluginError.attribute("gate is \(gate), wanted 0 to \(gates - 1), as gates is \(gates)")
        }
    }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        let part = try out.part(of: gates, for: Self.name)
        if out.count == 0 { return }
        let (values, offset, width) = (out.floats, Float(low), Float(high - low))
        host.uniform(random, into: values, count: out.count)
        for i in 0..<out.count { values[i] = values[i] * width + offset }
        for i in gate * part..<(gate + 1) * part { values[i] += value }
    }
}

extension Tensor {
    /// Elements of one of `gates` equal parts of the first axis.
    func part(of gates: Int, for name: String) throws -> Int {
        guard rank > 0, size(0) % gates == 0 else {
            throw PluginError.shape(
                "rnn.\(name) needs a parameter whose first axis is a multiple of gates, which is \(gates), got shape "
                    + "\(shape)")
        }
        return count / gates
    }
}
