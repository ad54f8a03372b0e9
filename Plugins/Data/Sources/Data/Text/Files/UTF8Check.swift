import LaminaSDK

extension UnsafeBufferPointer<UInt8> {
    /// The offset of the first byte that is no UTF-8; nil: all are.
    var firstInvalidUTF8: Int? {
        var position = 0
        while position < count {
            if self[position] < 0x80 {
                position += 1
                continue
            }
            let scalar = TextScalar(self, at: position)
            guard scalar.scalar != nil else { return position }
            position += scalar.length
        }
        return nil
    }

    /// The line, counted from 1, that the byte at `offset` stands on.
    func line(at offset: Int) -> Int { 1 + self[..<offset].count { $0 == UInt8(ascii: "\n") } }

    /// Throws `.data` with the line unless all is UTF-8 without NUL.
    func checkText(_ path: String) throws(PluginError) {
        if starts(with: [0xFF, 0xFE]) || starts(with: [0xFE, 0xFF]) {
            throw .data("'\(path)' is UTF-16; save it as UTF-8")
        }
        if let offset = firstInvalidUTF8 {
            throw .data("'\(path)', line \(line(at: offset)): this is not UTF-8; save the file as UTF-8")
        }
        if let offset = firstIndex(of: 0) {
            throw .data("'\(path)', line \(line(at: offset)): a NUL byte; this is no text")
        }
    }
}
