/// Strings and numbers: the parts of the grammar below the brackets.
extension JSONParser {
    /// Reads a string; `next` is at its opening quote.
    mutating func string() throws(JSONError) -> String {
        next += 1
        let start = next
        // Nearly every string in a header is plain ASCII without escapes: found by one scan and copied once.
        while next < text.count {
            let byte = text[next]
            if byte == UInt8(ascii: "\"") {
                let plain = UnsafeBufferPointer(rebasing: text[start..<next])
                next += 1
                return String(decoding: plain, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") || byte < 0x20 || byte >= 0x80 { break }
            next += 1
        }
        return try stringWithEscapes(from: start)
    }

    private mutating func stringWithEscapes(from start: Int) throws(JSONError) -> String {
        var bytes = [UInt8](text[start..<next])
        while next < text.count {
            let byte = text[next]
            switch byte {
            case UInt8(ascii: "\""):
                next += 1
                return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                try escape(into: &bytes)
            case 0..<0x20:
                throw failure(.syntax, "control character 0x\(hex(byte)) in a string; write it as an escape", at: next)
            case 0x20..<0x80:
                bytes.append(byte)
                next += 1
            default:
                let length = scalarLength(at: next)
                guard length > 0 else { throw failure(.encoding, "invalid UTF-8 (byte 0x\(hex(byte)))", at: next) }
                bytes.append(contentsOf: text[next..<next + length])
                next += length
            }
        }
        throw failure(.syntax, "the text ends inside a string", at: text.count)
    }

    /// Reads an escape sequence; `next` is at its backslash.
    private mutating func escape(into bytes: inout [UInt8]) throws(JSONError) {
        let start = next
        next += 1
        let letter = peek
        next += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(letter)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourHexDigits(start)
            if code & 0xFC00 == 0xD800 {
                guard consume(UInt8(ascii: "\\")), consume(UInt8(ascii: "u")) else {
                    throw failure(.encoding, "a high surrogate without its low surrogate", at: start)
                }
                let low = try fourHexDigits(start)
                guard low & 0xFC00 == 0xDC00 else {
                    throw failure(.encoding, "a high surrogate without its low surrogate", at: start)
                }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = UnicodeScalar(code) else {
                throw failure(.encoding, "a low surrogate without its high surrogate", at: start)
            }
            bytes.append(contentsOf: UTF8.encode(scalar)!)
        default: throw failure(.syntax, "unknown escape in a string", at: start)
        }
    }

    private mutating func fourHexDigits(_ start: Int) throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch peek {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = peek - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = peek - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = peek - UInt8(ascii: "A") + 10
            default: throw failure(.syntax, "expected four hexadecimal digits after \\u", at: start)
            }
            code = code << 4 | UInt32(digit)
            next += 1
        }
        return code
    }

    /// The length of the multi-byte scalar at `offset`, or 0 when it is malformed (Unicode 15, table 3-7).
    private func scalarLength(at offset: Int) -> Int {
        let first = text[offset]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return 0
        }
        guard text.count - offset >= length, second.contains(text[offset + 1]) else { return 0 }
        for tail in 2..<max(length, 2) where text[offset + tail] & 0xC0 != 0x80 { return 0 }
        return length
    }

    /// Reads a number; `next` is at its first byte.
    mutating func number() throws(JSONError) -> JSON {
        let start = next
        let isNegative = consume(UInt8(ascii: "-"))
        guard isDigit(peek) else { throw failure(.syntax, "expected a digit after '-', found \(found)", at: next) }
        // Summed downwards, because the negative range reaches one further than the positive one.
        var negated: Int64 = 0
        var fits = true
        if !consume(UInt8(ascii: "0")) {
            while isDigit(peek) {
                let (tenfold, overflow) = negated.multipliedReportingOverflow(by: 10)
                let (sum, overflow2) = tenfold.subtractingReportingOverflow(Int64(peek - UInt8(ascii: "0")))
                fits = fits && !overflow && !overflow2
                negated = sum
                next += 1
            }
        } else if isDigit(peek) {
            throw failure(.syntax, "a number with a leading zero", at: start)
        }
        var isInteger = true
        if consume(UInt8(ascii: ".")) {
            isInteger = false
            try digits("after the decimal point")
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isInteger = false
            next += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { next += 1 }
            try digits("in the exponent")
        }
        if isInteger, !(isNegative && negated == 0 && fits) {
            guard fits, isNegative || negated != .min else {
                throw failure(.number, "the integer does not fit 64 bits", at: start)
            }
            return .integer(isNegative ? negated : -negated)
        }
        guard next - start <= 1024 else { throw failure(.limit, "a number of more than 1024 characters", at: start) }
        let literal = String(decoding: UnsafeBufferPointer(rebasing: text[start..<next]), as: UTF8.self)
        guard let value = Double(literal), value.isFinite else {
            throw failure(.number, "the number is beyond the range of a double", at: start)
        }
        return .number(value)
    }

    private mutating func digits(_ place: String) throws(JSONError) {
        guard isDigit(peek) else { throw failure(.syntax, "expected a digit \(place), found \(found)", at: next) }
        while isDigit(peek) { next += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}
