/// A JSON value as Lamina reads and writes it: strict, ordered, with integers kept apart from floating point.
///
/// A literal without fraction and exponent is an `integer` and must fit `Int64`; every other literal (and `-0`, whose
/// sign an integer would lose) is a `number`. Two values are equal when they would be written as the same bytes:
/// strings compare byte by byte, so that a composed and a decomposed "é" differ, and objects compare with their order.
///
/// Source: RFC 8259, narrowed (see `JSON.parse`).
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON: Equatable {
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a.bitPattern == b.bitPattern
        case (.string(let a), .string(let b)): sameBytes(a, b)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

/// Whether two strings have the same UTF-8 bytes; `==` on `String` would merge canonically equivalent spellings.
func sameBytes(_ a: String, _ b: String) -> Bool {
    let (left, right) = (a.utf8, b.utf8)
    return left.count == right.count && left.elementsEqual(right)
}

extension JSON {
    /// The value of a member of an object, or nil when this is no object or has no such key.
    public subscript(key: String) -> JSON? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// The element at `position`, or nil when this is no array or is too short.
    public subscript(position: Int) -> JSON? {
        guard case .array(let elements) = self, elements.indices.contains(position) else { return nil }
        return elements[position]
    }

    /// What this value is, in words with their article: "an object", "a string", … For messages.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}
