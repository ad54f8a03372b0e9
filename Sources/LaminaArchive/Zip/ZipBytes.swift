/// Little-endian fields of a zip file. Reading beyond the end is our own bug and stops: callers check lengths first.
struct ZipBytes {
    let bytes: UnsafeRawBufferPointer

    var count: Int { bytes.count }

    func u16(_ offset: Int) -> Int { Int(load(offset, UInt16.self)) }
    func u32(_ offset: Int) -> UInt32 { load(offset, UInt32.self) }
    func u64(_ offset: Int) -> UInt64 { load(offset, UInt64.self) }

    subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        return UnsafeRawBufferPointer(rebasing: bytes[range])
    }

    private func load<Field: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Field.Type) -> Field {
        // Explicit, because buffers check nothing in release builds.
        precondition(offset >= 0 && offset <= bytes.count - MemoryLayout<Field>.size)
        return Field(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Field.self))
    }
}

/// An extra field: its id and where its payload lies.
struct ZipExtraField {
    let id: Int
    let payload: Range<Int>

    /// Splits a block of extra fields. Throws when the fields do not fill it exactly.
    static func list(_ zip: ZipBytes, _ block: Range<Int>) throws(ArchiveError) -> [ZipExtraField] {
        var fields: [ZipExtraField] = []
        var offset = block.lowerBound
        while offset < block.upperBound {
            guard block.upperBound - offset >= 4, case let length = zip.u16(offset + 2),
                length <= block.upperBound - offset - 4
            else { throw .structure("an extra field reaches beyond its block", at: offset) }
            fields.append(ZipExtraField(id: zip.u16(offset), payload: offset + 4..<offset + 4 + length))
            offset += 4 + length
        }
        return fields
    }
}

extension ArchiveError {
    static func structure(_ message: String, at offset: Int) -> ArchiveError {
        ArchiveError(.structure, message, at: "byte \(offset)")
    }
}
