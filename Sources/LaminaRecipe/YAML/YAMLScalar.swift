import LaminaFormats

/// The core schema of YAML 1.2: which plain scalars are null, booleans and numbers. All others are texts.
///
/// Unlike in YAML 1.1, `yes`, `no`, `on` and `off` are texts, and `010` is ten.
///
/// Source: YAML 1.2.2, section 10.3.2.
enum YAMLScalar {
    /// The value of a plain scalar. Throws a message for numbers that no recipe can hold.
    static func value(_ text: String) throws(Refusal) -> JSON {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        let bytes = Array(text.utf8)
        if let integer = try integer(bytes, text) { return .integer(integer) }
        if let number = try number(bytes, text) { return .number(number) }
        return .string(text)
    }

    struct Refusal: Error { let message: String }

    /// [-+]?[0-9]+, 0o[0-7]+, 0x[0-9a-fA-F]+
    private static func integer(_ bytes: [UInt8], _ text: String) throws(Refusal) -> Int64? {
        func parsed(_ digits: some StringProtocol, radix: Int) throws(Refusal) -> Int64 {
            if let value = Int64(digits, radix: radix) { return value }
            throw Refusal(message: "\(shortened(text)) is beyond 64-bit integers; put quotes around it if it is a text")
        }
        if bytes.count > 2, bytes[0] == UInt8(ascii: "0") {
            let digits = bytes[2...]
            if bytes[1] == UInt8(ascii: "o"), digits.allSatisfy({ ("0"..."7").contains($0) }) {
                return try parsed(text.dropFirst(2), radix: 8)
            }
            if bytes[1] == UInt8(ascii: "x"),
                digits.allSatisfy({ isDigit($0) || ("a"..."f").contains($0 | 0x20) })
            {
                return try parsed(text.dropFirst(2), radix: 16)
            }
        }
        let digits = bytes.drop(while: isSign, atMost: 1)
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return nil }
        return try parsed(text, radix: 10)
    }

    /// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
    private static func number(_ bytes: [UInt8], _ text: String) throws(Refusal) -> Double? {
        var rest = bytes.drop(while: isSign, atMost: 1)
        if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(String(decoding: rest, as: UTF8.self)) {
            throw Refusal(message: "\(text) is no finite number; a recipe holds finite numbers only")
        }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        if let first = rest.first {
            guard first | 0x20 == UInt8(ascii: "e") else { return nil }
            let exponent = rest.dropFirst().drop(while: isSign, atMost: 1)
            guard !exponent.isEmpty, exponent.allSatisfy(isDigit) else { return nil }
        }
        guard let value = Double(text), value.isFinite else {
            throw Refusal(message: "\(shortened(text)) is beyond the finite numbers")
        }
        return value
    }

    private static func isSign(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") }
    private static func isDigit(_ byte: UInt8) -> Bool { ("0"..."9").contains(byte) }
}

extension ClosedRange<Unicode.Scalar> {
    fileprivate func contains(_ byte: UInt8) -> Bool { contains(Unicode.Scalar(byte)) }
}

extension [UInt8] {
    fileprivate func drop(while predicate: (UInt8) -> Bool, atMost count: Int) -> ArraySlice<UInt8> {
        self[...].drop(while: predicate, atMost: count)
    }
}

extension ArraySlice<UInt8> {
    fileprivate func drop(while predicate: (UInt8) -> Bool, atMost count: Int) -> ArraySlice<UInt8> {
        dropFirst(prefix(count).prefix(while: predicate).count)
    }
}
