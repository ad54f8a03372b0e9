import LaminaSDK

/// A generator that makes images of one kind of those of another.
struct TranslatorRole {
    let number: Int
    /// Shapes of what it takes and what it makes.
    let from, to: [Int]

    init(_ name: String, in networks: Networks, of procedure: String) throws {
        number = try networks.required(name, of: procedure)
        let network = networks[number]
        let ports = try NetworkPorts(network)
        from = ports.shape
        to = try network.onlyOutput().shape
        guard ports.label == nil else {
            throw PluginError.attribute(
                "network '\(name)' has an input for a class, which \(procedure) has none for; leave it out")
        }
        guard (from + to).allSatisfy({ $0 > 0 }) else {
            throw PluginError.attribute("network '\(name)' makes \(to) of \(from): give every dimension a size")
        }
    }
}

/// A discriminator of images.
struct JudgeRole {
    let number: Int
    let ports: NetworkPorts

    /// - Parameters:
    ///   - made: the shape of what is judged, and what makes it.
    ///   - condition: the shape of what a condition may be; nil: there may be none.
    init(
        _ name: String, in networks: Networks, of procedure: String, made: (shape: [Int], by: String),
        condition: [Int]? = nil
    ) throws {
        number = try networks.required(name, of: procedure)
        ports = try NetworkPorts(networks[number], takesCondition: condition != nil)
        _ = try networks[number].onlyOutput()
        guard ports.label == nil else {
            throw PluginError.attribute(
                "network '\(name)' has an input for a class, which \(procedure) has none for; leave it out")
        }
        guard ports.shape == made.shape else {
            throw PluginError.attribute(
                "network '\(made.by)' makes images of shape \(made.shape), network '\(name)' takes \(ports.shape); both have "
                    + "to be those of the data")
        }
        if let got = ports.condition?.shape, let condition, got != condition {
            throw PluginError.attribute(
                "network '\(name)' takes a condition of shape \(got), but the sources are \(condition)")
        }
    }
}
