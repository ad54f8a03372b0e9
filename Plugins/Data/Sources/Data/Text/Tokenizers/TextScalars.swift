/// One scalar of a text: its value, and how many bytes it takes.
struct TextScalar {
    /// nil: a byte that is no UTF-8, alone.
    let scalar: Unicode.Scalar?
    let length: Int

    /// The scalar at `position`, of which there must be one.
    @inline(__always)
    init(_ text: UnsafeBufferPointer<UInt8>, at position: Int) {
        let first = text[position]
        if first < 0x80 {
            scalar = Unicode.Scalar(first)
            length = 1
        } else {
            self = Self.wide(text, position)
        }
    }

    private init(_ scalar: Unicode.Scalar?, _ length: Int) {
        self.scalar = scalar
        self.length = length
    }

    /// Strict after RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
    private static func wide(_ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> TextScalar {
        let first = UInt32(text[position])
        let (length, least): (Int, UInt32) =
            switch first {
            case 0xC2...0xDF: (2, 0x80)
            case 0xE0...0xEF: (3, 0x800)
            case 0xF0...0xF4: (4, 0x10000)
            default: (1, 0)
            }
        guard length > 1, position + length <= text.count else { return TextScalar(nil, 1) }
        var value = first & (0x7F >> UInt32(length))
        for offset in 1..<length {
            let byte = text[position + offset]
            guard byte & 0xC0 == 0x80 else { return TextScalar(nil, 1) }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        guard value >= least, let scalar = Unicode.Scalar(value) else { return TextScalar(nil, 1) }
        return TextScalar(scalar, length)
    }
}

/// What a scalar is to a tokenizer.
struct ScalarClass: OptionSet {
    let rawValue: UInt8
    static let space = ScalarClass(rawValue: 1)
    static let letter = ScalarClass(rawValue: 2)
    static let number = ScalarClass(rawValue: 4)
    /// ASCII punctuation and symbols, and the Unicode categories P*.
    static let punctuation = ScalarClass(rawValue: 8)
    /// What `\w` is in regular expressions.
    static let word = ScalarClass(rawValue: 16)

    private static let ascii: [ScalarClass] = (0..<0x80).map { ScalarClass(UInt8($0)) }

    /// Bytes that are no UTF-8 belong to no class.
    @inline(__always)
    static func of(_ scalar: Unicode.Scalar?) -> ScalarClass {
        guard let scalar else { return [] }
        return scalar.value < 0x80 ? ascii[Int(scalar.value)] : ScalarClass(wide: scalar)
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    private init(_ ascii: UInt8) {
        switch ascii {
        case 9...13, 32: self = .space
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self = [.number, .word]
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): self = [.letter, .word]
        case UInt8(ascii: "_"): self = [.punctuation, .word]
        case 33...126: self = .punctuation
        default: self = []
        }
    }

    private init(wide scalar: Unicode.Scalar) {
        let properties = scalar.properties
        var result: ScalarClass = properties.isWhitespace ? .space : []
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            result.insert([.letter, .word])
        case .decimalNumber: result.insert([.number, .word])
        case .letterNumber, .otherNumber:
            result.insert(.number)
            if properties.isAlphabetic { result.insert(.word) }
        case .nonspacingMark, .spacingMark, .enclosingMark: result.insert(.word)
        case .connectorPunctuation: result.insert([.punctuation, .word])
        case .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation:
            result.insert(.punctuation)
        default: if properties.isAlphabetic || properties.isJoinControl { result.insert(.word) }
        }
        self = result
    }
}
