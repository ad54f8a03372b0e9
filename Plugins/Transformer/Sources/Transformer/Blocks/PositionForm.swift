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
            .integer(
                "context", default: nil, 1...1e9,
                "how many positions are learned, so many steps at most; other kinds have no end, and need none"),
            .real("base", default: nil, 1...1e12, "of sinusoidal and rotary positions; default: 10000"),
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
        let base = attributes.optionalReal("base")
        guard base == nil || kind == .sinusoidal || kind == .rotary else {
            throw PluginError.attribute(
                "base is given, but positions are \(kind.rawValue): only sinusoidal and rotary ones have a base, leave it out"
            )
        }
        self.init(kind: kind, context: context, base: base ?? 10000)
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
