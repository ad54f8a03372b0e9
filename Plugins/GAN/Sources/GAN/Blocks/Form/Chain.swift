import LaminaSDK

/// Adds nodes to a block one after the other, each fed by the one before.
struct Chain {
    let expansion: Expansion
    /// The reference to the last node's output.
    private(set) var end: String

    init(_ expansion: Expansion, from start: String) {
        self.expansion = expansion
        end = start
    }

    mutating func add(
        _ component: String, _ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:],
        initializers: NodeInitializers = [:]
    ) throws {
        try add(component, name, attributes.map { ($0, $1) }, initializers: initializers)
    }

    /// The same with attributes that were put together elsewhere.
    mutating func add(
        _ component: String, _ name: String, _ attributes: [(name: String, value: AttributeValue)],
        initializers: NodeInitializers = [:]
    ) throws {
        end = try expansion.add(component, name: name, inputs: [end], attributes, initializers: initializers)
    }

    /// A node that reads the last one and another.
    mutating func join(_ component: String, _ name: String, with other: String) throws {
        end = try expansion.add(component, name: name, inputs: [end, other])
    }

    func finish() throws { try expansion.addOutput(end) }
}
