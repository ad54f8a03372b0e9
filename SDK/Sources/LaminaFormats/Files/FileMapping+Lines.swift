extension FileMapping {
    /// Calls `body` with every line of a text file and its number, from 1.
    ///
    /// Lines come without the "\n" or "\r\n" at their end, the first without a byte-order mark. What a last "\n" ends
    /// is no further line. Throws `FileError` with the number of a line that is not UTF-8, and what `body` throws.
    public func forEachLine(_ body: (_ number: Int, _ text: String) throws -> Void) throws {
        var rest = bytes.bindMemory(to: UInt8.self)[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        var number = 0
        while !rest.isEmpty {
            number += 1
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            var line = rest[..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            guard let text = String(validating: line, as: UTF8.self) else {
                throw FileError("read", path, reason: "line \(number) is not UTF-8; save the file as UTF-8")
            }
            try body(number, text)
            rest = end == rest.endIndex ? rest[end...] : rest[(end + 1)...]
        }
    }
}
