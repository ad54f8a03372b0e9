extension JSON {
    /// How a text is laid out. Both forms are deterministic: one value has exactly one text in each.
    public enum Style: Sendable {
        /// No space at all.
        case compact
        /// Two spaces per level, arrays of scalars on one line, a line feed at the end.
        case pretty
    }

    /// The text of this value in UTF-8.
    ///
    /// Doubles get the shortest literal that reads back as the same double, always with a fraction or an exponent, so
    /// that they stay apart from integers. Infinity and NaN, for which JSON has no literal, are written as `null`.
    public func bytes(_ style: Style = .compact) -> [UInt8] {
        var writer = JSONWriter(isPretty: style == .pretty)
        writer.write(self)
        if style == .pretty { writer.bytes.append(UInt8(ascii: "\n")) }
        return writer.bytes
    }

    /// The text of this value; see `bytes`.
    public func text(_ style: Style = .compact) -> String { String(decoding: bytes(style), as: UTF8.self) }
}

struct JSONWriter {
    let isPretty: Bool
    var bytes: [UInt8] = []
    private var level = 0

    init(isPretty: Bool) { self.isPretty = isPretty }

    mutating func write(_ value: JSON) {
        switch value {
        case .null: append("null")
        case .bool(let bool): append(bool ? "true" : "false")
        case .integer(let integer): bytes.append(contentsOf: String(integer).utf8)
        case .number(let number): bytes.append(contentsOf: (number.isFinite ? number.description : "null").utf8)
        case .string(let string): write(string)
        case .array(let elements): write(elements)
        case .object(let object): write(object)
        }
    }

    private mutating func write(_ object: JSONObject) {
        if object.isEmpty { return append("{}") }
        append("{")
        level += 1
        for (position, member) in object.members.enumerated() {
            if position > 0 { append(",") }
            newLine()
            write(member.key)
            append(isPretty ? ": " : ":")
            write(member.value)
        }
        level -= 1
        newLine()
        append("}")
    }

    private mutating func write(_ elements: [JSON]) {
        let isFlat = elements.allSatisfy {
            switch $0 {
            case .array, .object: false
            default: true
            }
        }
        append("[")
        level += 1
        for (position, element) in elements.enumerated() {
            if position > 0 { append(isFlat && isPretty ? ", " : ",") }
            if !isFlat { newLine() }
            write(element)
        }
        level -= 1
        if !isFlat { newLine() }
        append("]")
    }

    private mutating func write(_ string: String) {
        append("\"")
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x09: append("\\t")
            case 0x0A: append("\\n")
            case 0x0C: append("\\f")
            case 0x0D: append("\\r")
            case 0..<0x20: bytes.append(contentsOf: "\\u00\(hex(byte))".utf8)
            default: bytes.append(byte)
            }
        }
        append("\"")
    }

    private mutating func newLine() {
        guard isPretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
    }

    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
