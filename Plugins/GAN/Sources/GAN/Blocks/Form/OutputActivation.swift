import LaminaSDK

/// What bounds a generator's values: tanh to ±1, sigmoid to 0 … 1, or nothing.
enum OutputActivation: String, CaseIterable {
    case tanh, sigmoid, none

    static let attribute = AttributeSchema.string(
        "output", default: "tanh", choices: allCases.map(\.rawValue), "what bounds the values that are made")

    init(_ attributes: Attributes) { self = OutputActivation(rawValue: attributes.string("output"))! }

    /// Adds the node of that name.
    func add(to chain: inout Chain) throws {
        if self != .none { try chain.add("core.\(rawValue)", rawValue) }
    }
}
