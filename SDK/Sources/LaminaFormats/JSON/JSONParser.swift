extension JSON {
    /// Bounds for a parse, so that a hostile text costs little before it is refused.
    public struct Limits: Sendable {
        /// How deep arrays and objects may nest; at most 512, because the parser recurses.
        public var depth: Int
        /// How long the text may be.
        public var byteCount: Int
        /// How many values the text may hold.
        public var valueCount: Int

        public init(depth: Int = 64, byteCount: Int = 64 << 20, valueCount: Int = 2_000_000) {
            self.depth = min(depth, 512)
            self.byteCount = byteCount
            self.valueCount = valueCount
        }
    }

    /// Reads one JSON text, strictly.
    ///
    /// Refused are: invalid UTF-8 (overlong forms and encoded surrogates too), lone surrogates in escapes, a byte-order
    /// mark, data after the value, a key that stands twice in an object (compared by bytes, after unescaping), integers
    /// beyond `Int64`, numbers beyond the finite doubles, and whatever is beyond `limits`.
    /// - Throws: `JSONError` with byte offset, line and column.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()
    ) throws(JSONError) -> JSON {
        var parser = JSONParser(text: bytes.assumingMemoryBound(to: UInt8.self), limits: limits)
        return try parser.document()
    }

    /// Reads one JSON text, strictly; see `parse(_: UnsafeRawBufferPointer, limits:)`.
    public static func parse(_ bytes: [UInt8], limits: Limits = Limits()) throws(JSONError) -> JSON {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONError) -> JSON in try parse(buffer, limits: limits) }
        }
        return try result.get()
    }

    /// Reads one JSON text, strictly; see `parse(_: UnsafeRawBufferPointer, limits:)`.
    public static func parse(_ text: String, limits: Limits = Limits()) throws(JSONError) -> JSON {
        try parse(Array(text.utf8), limits: limits)
    }
}

/// A recursive-descent parser over bytes. `next` is the offset of the first byte not consumed.
struct JSONParser {
    let text: UnsafeBufferPointer<UInt8>
    let limits: JSON.Limits
    var next = 0
    private var depth = 0
    private var valueCount = 0

    init(text: UnsafeBufferPointer<UInt8>, limits: JSON.Limits) {
        self.text = text
        self.limits = limits
    }

    mutating func document() throws(JSONError) -> JSON {
        if text.count > limits.byteCount {
            throw failure(.limit, "the text has \(text.count) bytes, at most \(limits.byteCount) are allowed", at: 0)
        }
        if text.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw failure(.syntax, "the text begins with a byte-order mark; remove it", at: 0)
        }
        skipSpace()
        let result = try value()
        skipSpace()
        guard next == text.count else {
            throw failure(.syntax, "expected the end of the text after the value, found \(found)", at: next)
        }
        return result
    }

    private mutating func value() throws(JSONError) -> JSON {
        valueCount += 1
        if valueCount > limits.valueCount {
            throw failure(.limit, "more than \(limits.valueCount) values", at: next)
        }
        switch peek {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default: throw failure(.syntax, "expected a value, found \(found)", at: next)
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        try enter()
        var result = JSONObject()
        skipSpace()
        if consume(UInt8(ascii: "}")) {
            depth -= 1
            return result
        }
        while true {
            let keyStart = next
            guard peek == UInt8(ascii: "\"") else {
                throw failure(.syntax, "expected a key in quotes, found \(found)", at: next)
            }
            let key = try string()
            // Asked before the value is read, so that the message points at the second key.
            if result.position(of: key) != nil {
                throw failure(.duplicateKey, "the key \(quoted(key)) stands twice in this object", at: keyStart)
            }
            skipSpace()
            guard consume(UInt8(ascii: ":")) else {
                throw failure(.syntax, "expected ':' after the key, found \(found)", at: next)
            }
            skipSpace()
            result.append(key, try value())
            skipSpace()
            if consume(UInt8(ascii: "}")) { break }
            guard consume(UInt8(ascii: ",")) else {
                throw failure(.syntax, "expected ',' or '}' in the object, found \(found)", at: next)
            }
            skipSpace()
        }
        depth -= 1
        return result
    }

    private mutating func array() throws(JSONError) -> [JSON] {
        try enter()
        var result: [JSON] = []
        skipSpace()
        if consume(UInt8(ascii: "]")) {
            depth -= 1
            return result
        }
        while true {
            result.append(try value())
            skipSpace()
            if consume(UInt8(ascii: "]")) { break }
            guard consume(UInt8(ascii: ",")) else {
                throw failure(.syntax, "expected ',' or ']' in the array, found \(found)", at: next)
            }
            skipSpace()
        }
        depth -= 1
        return result
    }

    /// Steps over an opening bracket.
    private mutating func enter() throws(JSONError) {
        depth += 1
        if depth > limits.depth {
            throw failure(.limit, "nested deeper than \(limits.depth) levels", at: next)
        }
        next += 1
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        guard text.count - next >= count, (0..<count).allSatisfy({ text[next + $0] == word.utf8Start[$0] }) else {
            throw failure(.syntax, "expected '\(word)'", at: next)
        }
        next += count
    }

    // MARK: Bytes

    /// The byte at `next`, or 0 at the end; a NUL byte is valid nowhere in JSON, so the two need no distinction.
    var peek: UInt8 { next < text.count ? text[next] : 0 }

    mutating func consume(_ byte: UInt8) -> Bool {
        guard next < text.count, text[next] == byte else { return false }
        next += 1
        return true
    }

    private mutating func skipSpace() {
        while next < text.count {
            switch text[next] {
            case 0x20, 0x0A, 0x0D, 0x09: next += 1
            default: return
            }
        }
    }

    /// The byte at `next` in words, for messages.
    var found: String {
        guard next < text.count else { return "the end of the text" }
        let byte = text[next]
        if byte > 0x20, byte < 0x7F { return "'\(Character(UnicodeScalar(byte)))'" }
        return "byte 0x\(hex(byte))"
    }

    func failure(_ kind: JSONError.Kind, _ message: String, at offset: Int) -> JSONError {
        JSONError(kind, message, at: JSONError.Position(offset: offset, in: text))
    }
}

/// Two hexadecimal digits.
func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return byte < 16 ? "0" + digits : digits
}

/// A string from a file as a message may show it: as a JSON literal (control characters escaped), cut to 80 characters.
func quoted(_ text: String) -> String {
    let short = text.unicodeScalars.count > 80 ? String(text.unicodeScalars.prefix(80)) + "…" : text
    return String(decoding: JSON.string(short).bytes(), as: UTF8.self)
}
