import LaminaSDK

extension Networks {
    /// The network of this name, which the recipe has to have.
    func required(_ name: String, of procedure: String) throws -> Int {
        if let index = index(of: name) { return index }
        let names = (0..<count).map { "'\(self[$0].name)'" }.joined(separator: ", ")
        throw PluginError.attribute("the recipe has no network '\(name)' for \(procedure), but \(names); rename one")
    }
}

extension ProcedureModel {
    /// The recipe's networks, which have to be those of these names.
    func requiredNetworks(_ names: [String], of procedure: String) throws -> Networks {
        let wanted = names.map { "'\($0)'" }.joined(separator: ", ")
        guard let networks else {
            throw PluginError.attribute(
                "the recipe lacks 'networks:': \(procedure) trains \(wanted); write each under its name, with 'input' and "
                    + "'layers'")
        }
        for name in names { _ = try networks.required(name, of: procedure) }
        if let extra = (0..<networks.count).map({ networks[$0].name }).first(where: { !names.contains($0) }) {
            throw PluginError.attribute(
                "\(procedure) has no use for network '\(extra)': it trains \(wanted); leave it out")
        }
        return networks
    }
}

/// What the inputs of a network are for: one of numbers, and perhaps a class and a condition.
struct NetworkPorts {
    /// The position of the float32 input that is the sample, and its shape.
    let sample: Int
    let shape: [Int]
    /// The position of the class's input; nil: there is none.
    let label: Int?
    /// The position and shape of a second float32 input, which is called "condition"; nil: there is none.
    let condition: (position: Int, shape: [Int])?
    private let count: Int

    /// - Parameter takesCondition: whether there may be a condition.
    init(_ network: Networks.Description, takesCondition: Bool = false) throws {
        let inputs = network.inputs
        let floats = inputs.indices.filter { inputs[$0].dtype == .float32 }
        let labels = inputs.indices.filter { inputs[$0].dtype == .int64 && inputs[$0].shape.isEmpty }
        let place =
            takesCondition && floats.count > 1 ? floats.first { inputs[$0].name == "condition" } : nil
        let samples = floats.filter { $0 != place }
        guard samples.count == 1, labels.count <= 1, floats.count + labels.count == inputs.count else {
            throw PluginError.attribute(
                "network '\(network.name)' has the inputs \(inputs.map(\.name).joined(separator: ", ")); wanted one of numbers "
                    + "(float32) and at most one class (int64, shape [])"
                    + (takesCondition ? ", beside them perhaps one of numbers called 'condition'" : ""))
        }
        sample = samples[0]
        shape = inputs[sample].shape
        label = labels.first
        condition = place.map { ($0, inputs[$0].shape) }
        count = inputs.count
    }

    /// Tensors by position; class and condition where the network has inputs for them.
    func order(_ sample: Tensor, _ label: Tensor? = nil, condition: Tensor? = nil) -> [Tensor] {
        (0..<count).map { position in
            if position == self.label { return label! }
            return position == self.condition?.position ? condition! : sample
        }
    }
}

extension Networks.Description {
    /// The only output, of float32.
    func onlyOutput() throws -> Networks.PortShape {
        guard outputs.count == 1, outputs[0].dtype == .float32 else {
            let got = outputs.map { "'\($0.name)' of \($0.dtype?.name ?? "an unknown type")" }.joined(separator: ", ")
            throw PluginError.attribute("network '\(name)' has the outputs \(got); wanted one of float32")
        }
        return outputs[0]
    }
}
