import LaminaSDK

/// Adds nodes to a block one after the other, each fed by the one before.
struct Chain {
    let expansion: Expansion
    /// The reference to the last node's output.
    private(set) var end: String

    init(_ expansion: Expansion, from start: String? = nil) {
        self.expansion = expansion
        end = start ?? expansion.input()
    }

    mutating func add(
        _ component: String, _ name: String, _ attributes: KeyValuePairs<String, AttributeValue> = [:]
    ) throws {
        end = try expansion.add(component, name: name, inputs: [end], attributes)
    }

    func finish() throws { try expansion.addOutput(end) }
}
