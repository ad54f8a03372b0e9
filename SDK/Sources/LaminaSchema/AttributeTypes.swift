import CLamina
import LaminaSDK

/// The types that an attribute accepts: a set of LAMINA_ATTRIBUTE_… bits with names.
public struct AttributeTypes: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let bool = AttributeTypes(rawValue: LAMINA_ATTRIBUTE_BOOL)
    public static let integer = AttributeTypes(rawValue: LAMINA_ATTRIBUTE_INTEGER)
    public static let real = AttributeTypes(rawValue: LAMINA_ATTRIBUTE_REAL)
    public static let string = AttributeTypes(rawValue: LAMINA_ATTRIBUTE_STRING)
    public static let integers = AttributeTypes(rawValue: LAMINA_ATTRIBUTE_INTEGERS)
    public static let reals = AttributeTypes(rawValue: LAMINA_ATTRIBUTE_REALS)
    public static let strings = AttributeTypes(rawValue: LAMINA_ATTRIBUTE_STRINGS)

    /// Every type with the name that `plugin.json` uses, in the order of the bits.
    static let named: [(type: AttributeTypes, name: String, words: String)] = [
        (.bool, "bool", "true or false"), (.integer, "integer", "an integer"), (.real, "real", "a number"),
        (.string, "string", "a text"), (.integers, "integers", "integers"), (.reals, "reals", "numbers"),
        (.strings, "strings", "texts"),
    ]

    static let all = AttributeTypes(named.map(\.type))

    /// The names of the types in the set: `["integer", "integers"]`.
    public var names: [String] { Self.named.filter { contains($0.type) }.map(\.name) }

    /// The set that `names` lists, or nil when one is unknown.
    public init?(names: [String]) {
        self = []
        for name in names {
            guard let entry = Self.named.first(where: { $0.name == name }) else { return nil }
            insert(entry.type)
        }
    }
}

extension AttributeSchema {
    /// The accepted types as a set.
    public var accepted: AttributeTypes { AttributeTypes(rawValue: types) }

    /// Whether a value has to be given.
    public var isRequired: Bool { defaultJSON == nil }

    /// What the attribute accepts, in words: "an integer >= 1", "one of 'same', 'valid' or a list of integers".
    public var requirement: String {
        var parts: [String] = []
        for entry in AttributeTypes.named where accepted.contains(entry.type) {
            switch entry.type {
            case .string where !choices.isEmpty: parts.append("one of " + Self.quoted(choices))
            case .integer, .real: parts.append(entry.words + bounds)
            case .integers, .reals: parts.append(list(of: entry.words) + bounds)
            case .strings: parts.append(list(of: choices.isEmpty ? entry.words : Self.quoted(choices)))
            default: parts.append(entry.words)
            }
        }
        return parts.joined(separator: " or ")
    }

    static func quoted(_ words: [String]) -> String { words.map { "'\($0)'" }.joined(separator: ", ") }

    /// " >= 1", " from 0 to 1" or nothing.
    var bounds: String {
        switch (minimum > -.infinity, maximum < .infinity) {
        case (true, true): " from \(Self.text(minimum)) to \(Self.text(maximum))"
        case (true, false): " >= \(Self.text(minimum))"
        case (false, true): " <= \(Self.text(maximum))"
        case (false, false): ""
        }
    }

    /// "a list of 2 integers", "a list of at least 1 number".
    private func list(of items: String) -> String {
        let (low, high) = (countRange.lowerBound, countRange.upperBound)
        if low == high { return "a list of \(low) \(items)" }
        switch (low > 0, high < Int(Int32.max)) {
        case (false, false): return "a list of \(items)"
        case (true, false): return "a list of at least \(low) \(items)"
        case (false, true): return "a list of at most \(high) \(items)"
        case (true, true): return "a list of \(low) to \(high) \(items)"
        }
    }

    /// "3" rather than "3.0".
    static func text(_ number: Double) -> String {
        if let integer = Int64(exactly: number) { return "\(integer)" }
        return "\(number)"
    }
}
