import LaminaSDK

/// How a model of tokens knows where they stand.
struct PositionForm {
    enum Kind: String, CaseIterable { case learned, sinusoidal, rotary, alibi, none }

    let kind: Kind
    let context: Int?
    let base: Double

    static func attributes(default kind: Kind) -> [AttributeSchema] {
        [
            .string(
                "positions", default: kind.rawValue, choices: Kind.allCases.map(\.rawValue),
                "learned or sinusoidal vectors, added to the tokens'; rotary: queries and keys turn; alibi: near is more"
            ),
            .integer("context", default: nil, 1...1e9, "steps at most; learned positions need it"),
            .real("base", default: 10000, 1...1e12, "of sinusoidal and rotary positions"),
        ]
    }

    /// Vectors that are added by other means.
    static let added = PositionForm(kind: .learned, context: nil, base: 10000)
}

extension PositionForm {
    init(_ attributes: Attributes) throws {
        let (kind, context) = (Kind(rawValue: attributes.string("positions"))!, attributes.optionalInteger("context"))
        guard kind != .learned || context != nil else {
            throw PluginError.attribute(
                "positions are learned, so there are only so many: set context to the largest number of steps")
        }
        self.init(kind: kind, context: context, base: attributes.real("base"))
    }

    /// Vectors with positions, of `scale` times the given ones where these are sinusoidal.
    func added(_ expansion: Expansion, _ name: String, to vectors: String, scale: Double) throws -> String {
        switch kind {
        case .learned:
            try expansion.add(
                "transformer.learned_positions", name: name, inputs: [vectors], ["count": .integer(context!)])
        case .sinusoidal:
            try expansion.add(
                "transformer.sinusoidal_positions", name: name, inputs: [vectors],
                ["base": .real(base), "scale": .real(scale)])
        case .rotary, .alibi, .none: vectors
        }
    }
}
