import LaminaFormats

extension JSONFields {
    /// A text that may be shown on a terminal: see `requirePlainText`.
    mutating func readText(_ key: String) throws(JSONError) -> String {
        let text: String = try read(key)
        try requirePlainText(text, at: path(of: key))
        return text
    }

    /// An integer of 0 or more.
    mutating func readCount(_ key: String) throws(JSONError) -> Int {
        let count: Int = try read(key)
        guard count >= 0 else { throw JSONError(.wrongValue, "wanted 0 or more, got \(count)", path: path(of: key)) }
        return count
    }
}

/// Refuses control characters and those that reorder text: names from archives are printed, and must not be able to
/// write on the terminal what is not there.
func requirePlainText(_ text: String, at path: String) throws(JSONError) {
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069:
            let code = String(scalar.value, radix: 16, uppercase: true)
            throw JSONError(.wrongValue, "the text has the control character U+\(code)", path: path)
        default: continue
        }
    }
}

func requireUnique(_ names: [String], at path: String) throws(JSONError) {
    var seen: Set<[UInt8]> = []
    for name in names where !seen.insert(Array(name.utf8)).inserted {
        throw JSONError(.wrongValue, "\(printable(name.utf8)) stands twice", path: path)
    }
}
