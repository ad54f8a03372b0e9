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
    /// The recipe's networks, of which there have to be some.
    func requiredNetworks(of procedure: String) throws -> Networks {
        guard let networks else {
            throw PluginError.attribute(
                "\(procedure) trains networks of the recipe: write them under 'networks:', each with 'input' and 'layers'"
            )
        }
        return networks
    }
}

/// What the inputs of a network are for: one of numbers, and perhaps a class.
struct NetworkPorts {
    /// The position of the only float32 input, and its shape.
    let sample: Int
    let shape: [Int]
    /// The position of the class's input; nil: there is none.
    let label: Int?

    init(_ network: Networks.Description) throws {
        let inputs = network.inputs
        let samples = inputs.indices.filter { inputs[$0].dtype == .float32 }
        let labels = inputs.indices.filter { inputs[$0].dtype == .int64 && inputs[$0].shape.isEmpty }
        guard samples.count == 1, labels.count <= 1, samples.count + labels.count == inputs.count else {
            throw PluginError.attribute(
                "network '\(network.name)' has the inputs \(inputs.map(\.name).joined(separator: ", ")); wanted one of numbers "
                    + "(float32) and at most one class (int64, shape [])")
        }
        sample = samples[0]
        shape = inputs[sample].shape
        label = labels.first
    }

    /// Tensors by position.
    func order(_ sample: Tensor, _ label: Tensor?) -> [Tensor] {
        guard let label, self.label != nil else { return [sample] }
        return self.sample == 0 ? [sample, label] : [label, sample]
    }
}

extension Networks.Description {
    /// The only output, of float32.
    func onlyOutput() throws -> Networks.PortShape {
        guard outputs.count == 1, outputs[0].dtype == .float32 else {
            throw PluginError.attribute("network '\(name)' has \(outputs.count) outputs, wanted one of float32")
        }
        return outputs[0]
    }
}
