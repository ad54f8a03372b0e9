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

/// Refuses what `PlainText` finds.
func requirePlainText(_ text: String, at path: String) throws(JSONError) {
    if let fault = PlainText.fault(in: text) {
        throw JSONError(.wrongValue, "the text has the control character \(fault)", path: path)
    }
}

func requireUnique(_ names: [String], at path: String) throws(JSONError) {
    var seen: Set<[UInt8]> = []
    for name in names where !seen.insert(Array(name.utf8)).inserted {
        throw JSONError(.wrongValue, "\(printable(name.utf8)) stands twice", path: path)
    }
}
