/// A type that can be read from a JSON value strictly. `path` names the value in messages.
public protocol JSONReadable {
    /// Reads `json`; throws `JSONError` that names `path` when it is not exactly what is wanted.
    init(json: JSON, at path: String) throws(JSONError)
}

/// Reads an object whose keys are known exactly: each read marks its key, and `finish` refuses the others.
///
/// ```swift
/// var fields = try JSONFields(json, at: "manifest")
/// name = try fields.read("name")
/// labels = try fields.readIfPresent("labels") ?? []
/// try fields.finish()
/// ```
/// The type of the result says what is wanted; every error names the path (`manifest.files[3].size`).
public struct JSONFields {
    public let object: JSONObject
    public let path: String
    private var isRead: [Bool]
    private var known: [String] = []

    /// Throws `wrongType` when `json` is no object.
    public init(_ json: JSON, at path: String) throws(JSONError) {
        guard case .object(let object) = json else { throw .wrongType(json, wanted: "an object", at: path) }
        self.object = object
        self.path = path
        isRead = Array(repeating: false, count: object.count)
    }

    /// The value of a key that must be there.
    public mutating func read<Value: JSONReadable>(_ key: String, as: Value.Type = Value.self) throws(JSONError)
        -> Value
    {
        guard let value = try readIfPresent(key, as: Value.self) else {
            throw JSONError(.missingKey, "the key \(quoted(key)) is missing", path: path)
        }
        return value
    }

    /// The value of a key that may be absent. A `null` is a value, not an absence.
    public mutating func readIfPresent<Value: JSONReadable>(
        _ key: String, as: Value.Type = Value.self
    ) throws(JSONError) -> Value? {
        known.append(key)
        guard let position = object.position(of: key) else { return nil }
        isRead[position] = true
        return try Value(json: object.members[position].value, at: path(of: key))
    }

    /// The path of a member, for errors of the caller's own.
    public func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Refuses keys that no read has asked for. Call it last.
    public func finish() throws(JSONError) {
        guard let position = isRead.firstIndex(of: false) else { return }
        let list = known.map { "'\($0)'" }.joined(separator: ", ")
        throw JSONError(
            .unknownKey, "unknown key \(quoted(object.members[position].key)); known are \(list)", path: path)
    }
}

extension JSONError {
    /// A value of another type than wanted.
    public static func wrongType(_ json: JSON, wanted: String, at path: String) -> JSONError {
        JSONError(.wrongType, "wanted \(wanted), got \(json.kindName)", path: path)
    }
}

extension JSON: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) { self = json }
}

extension JSONObject: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        guard case .object(let object) = json else { throw .wrongType(json, wanted: "an object", at: path) }
        self = object
    }
}

extension String: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        guard case .string(let string) = json else { throw .wrongType(json, wanted: "a string", at: path) }
        self = string
    }
}

extension Bool: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        guard case .bool(let bool) = json else { throw .wrongType(json, wanted: "a boolean", at: path) }
        self = bool
    }
}

extension Int64: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        guard case .integer(let integer) = json else { throw .wrongType(json, wanted: "an integer", at: path) }
        self = integer
    }
}

extension Int: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) { self = Int(try Int64(json: json, at: path)) }
}

/// A double reads integers too: `1` and `1.0` are the same wish.
extension Double: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        switch json {
        case .number(let number): self = number
        case .integer(let integer): self = Double(integer)
        default: throw .wrongType(json, wanted: "a number", at: path)
        }
    }
}

extension Array: JSONReadable where Element: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        guard case .array(let elements) = json else { throw .wrongType(json, wanted: "an array", at: path) }
        self = []
        reserveCapacity(elements.count)
        for (position, element) in elements.enumerated() {
            append(try Element(json: element, at: "\(path)[\(position)]"))
        }
    }
}
