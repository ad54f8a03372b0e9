import CLamina

/// What one attribute of a component may be: types, default, bounds, one line of documentation.
public struct AttributeSchema: Sendable, Equatable {
    public var name: String
    public var documentation: String
    public var types: UInt32
    /// JSON text; "null": optional; nil: required.
    public var defaultJSON: String?
    public var minimum: Double = -.infinity
    public var maximum: Double = .infinity
    public var choices: [String] = []
    public var countRange: ClosedRange<Int> = 0...Int(Int32.max)
    public var isPath = false

    /// For types that the conveniences below do not cover; `types` is a set of LAMINA_ATTRIBUTE_… bits.
    public init(
        _ name: String, types: UInt32, defaultJSON: String?, range: ClosedRange<Double> = -.infinity ... .infinity,
        choices: [String] = [], count: ClosedRange<Int> = 0...Int(Int32.max), isPath: Bool = false,
        _ documentation: String
    ) {
        self.name = name
        self.types = types
        self.defaultJSON = defaultJSON
        (minimum, maximum) = (range.lowerBound, range.upperBound)
        self.choices = choices
        self.countRange = count
        self.isPath = isPath
        self.documentation = documentation
    }
}

extension AttributeSchema {
    /// With a default; nil: optional.
    public static func bool(_ name: String, default value: Bool?, _ documentation: String) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_BOOL, defaultJSON: value.map { "\($0)" } ?? "null", documentation)
    }

    /// A required integer.
    public static func integer(_ name: String, _ documentation: String) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_INTEGER, defaultJSON: nil, documentation)
    }

    /// A required integer within bounds.
    public static func integer(
        _ name: String, _ range: ClosedRange<Double>, _ documentation: String
    ) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_INTEGER, defaultJSON: nil, range: range, documentation)
    }

    /// An integer with a default; nil: optional.
    public static func integer(_ name: String, default value: Int?, _ documentation: String) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_INTEGER, defaultJSON: json(value), documentation)
    }

    /// An integer within bounds, with a default; nil: optional.
    public static func integer(
        _ name: String, default value: Int?, _ range: ClosedRange<Double>, _ documentation: String
    ) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_INTEGER, defaultJSON: json(value), range: range, documentation)
    }

    /// A required number.
    public static func real(_ name: String, _ documentation: String) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_REAL, defaultJSON: nil, documentation)
    }

    /// A required number within bounds.
    public static func real(
        _ name: String, _ range: ClosedRange<Double>, _ documentation: String
    ) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_REAL, defaultJSON: nil, range: range, documentation)
    }

    /// A number with a default; nil: optional.
    public static func real(_ name: String, default value: Double?, _ documentation: String) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_REAL, defaultJSON: json(value), documentation)
    }

    /// A number within bounds, with a default; nil: optional.
    public static func real(
        _ name: String, default value: Double?, _ range: ClosedRange<Double>, _ documentation: String
    ) -> AttributeSchema {
        .init(name, types: LAMINA_ATTRIBUTE_REAL, defaultJSON: json(value), range: range, documentation)
    }

    /// One of `choices`, or any text when there are none; without a default it is required.
    public static func string(
        _ name: String, default value: String? = nil, choices: [String] = [], _ documentation: String
    ) -> AttributeSchema {
        .init(
            name, types: LAMINA_ATTRIBUTE_STRING, defaultJSON: value.map(quoted), choices: choices,
            documentation)
    }

    /// A file or folder, which the host makes absolute, relative to the recipe.
    public static func path(_ name: String, optional: Bool = false, _ documentation: String) -> AttributeSchema {
        .init(
            name, types: LAMINA_ATTRIBUTE_STRING, defaultJSON: optional ? "null" : nil, isPath: true, documentation)
    }

    /// A list of integers; without a default it is required. A lone integer counts as a list of one.
    public static func integers(
        _ name: String, default value: [Int]? = nil, count: ClosedRange<Int> = 0...Int(Int32.max),
        _ documentation: String
    ) -> AttributeSchema {
        integers(name, default: value, -.infinity ... .infinity, count: count, documentation)
    }

    /// A list of integers, each within bounds; without a default it is required.
    public static func integers(
        _ name: String, default value: [Int]? = nil, _ range: ClosedRange<Double>,
        count: ClosedRange<Int> = 0...Int(Int32.max), _ documentation: String
    ) -> AttributeSchema {
        .init(
            name, types: LAMINA_ATTRIBUTE_INTEGERS, defaultJSON: value.map { "\($0)" }, range: range, count: count,
            documentation)
    }

    /// A list of integers, each within bounds, that may be left out.
    public static func optionalIntegers(
        _ name: String, _ range: ClosedRange<Double> = -.infinity ... .infinity,
        count: ClosedRange<Int> = 0...Int(Int32.max), _ documentation: String
    ) -> AttributeSchema {
        .init(
            name, types: LAMINA_ATTRIBUTE_INTEGERS, defaultJSON: "null", range: range, count: count, documentation)
    }

    /// A list of numbers; without a default it is required. A lone number counts as a list of one.
    public static func reals(
        _ name: String, default value: [Double]? = nil, count: ClosedRange<Int> = 0...Int(Int32.max),
        _ documentation: String
    ) -> AttributeSchema {
        reals(name, default: value, -.infinity ... .infinity, count: count, documentation)
    }

    /// A list of numbers, each within bounds; without a default it is required.
    public static func reals(
        _ name: String, default value: [Double]? = nil, _ range: ClosedRange<Double>,
        count: ClosedRange<Int> = 0...Int(Int32.max), _ documentation: String
    ) -> AttributeSchema {
        .init(
            name, types: LAMINA_ATTRIBUTE_REALS, defaultJSON: value.map { "\($0)" }, range: range, count: count,
            documentation)
    }

    /// A list of texts; without a default it is required. A lone text counts as a list of one.
    public static func strings(
        _ name: String, default value: [String]? = nil, count: ClosedRange<Int> = 0...Int(Int32.max),
        _ documentation: String
    ) -> AttributeSchema {
        .init(
            name, types: LAMINA_ATTRIBUTE_STRINGS,
            defaultJSON: value.map { "[" + $0.map(quoted).joined(separator: ", ") + "]" }, count: count,
            documentation)
    }

    /// A text as a JSON literal.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text.unicodeScalars {
            switch character.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0..<0x20: result += "\\u00" + (character.value < 0x10 ? "0" : "") + String(character.value, radix: 16)
            default: result.unicodeScalars.append(character)
            }
        }
        return result + "\""
    }

    private static func json<Number>(_ value: Number?) -> String { value.map { "\($0)" } ?? "null" }
}
