import LaminaFormats

/// An entry whose place and headers have been checked; its data have not been read.
struct ZipEntry {
    let name: String
    /// Where the stored (or deflated) bytes lie in the file.
    let data: Range<Int>
    /// The length of the content.
    let size: Int
    let crc: UInt32
    let isDeflated: Bool
    /// Its position in the central directory, which is how libzip numbers entries.
    let position: Int
}

/// The check over the bytes of a zip file, before any other reader sees them.
///
/// libzip (1.7.3, even with `ZIP_CHECKCONS`) accepts overlapping entries, gaps, data before the first and after the
/// last entry, and names and modes that make extraction dangerous; and of two concatenated archives it and other programs
/// read different ones. The canonical form leaves no byte without a meaning: entries from 0 on without gap, the central
/// directory, the end record, the end.
struct ZipStructure {
    static let entryLimit = 4096
    /// The first of January 1980, 00:00, the earliest time that the format knows.
    static let date = 0x0021
    static let regularFile: UInt32 = 0o100_644

    let entries: [ZipEntry]

    /// Checks a file in the canonical form. Throws `ArchiveError` at the first deviation.
    init(canonical bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        let zip = ZipBytes(bytes: bytes)
        try Self.checkBeginning(zip)
        let end = try ZipEnd(zip)
        var entries: [ZipEntry] = []
        entries.reserveCapacity(end.entryCount)
        var recordOffset = end.directory.lowerBound
        var entryOffset = 0
        for position in 0..<end.entryCount {
            let record = try ZipCentralRecord(zip, at: recordOffset, within: end.directory)
            let name = try Self.name(zip, record)
            if let previous = entries.last?.name, !EntryName.isBefore(previous, name) {
                throw ArchiveError(.structure, "the entry stands after '\(previous)': twice, or out of order", at: name)
            }
            let entry = try Self.entry(
                zip, record, name: name, position: position, offset: entryOffset, limit: end.directory.lowerBound)
            entries.append(entry)
            recordOffset = record.comment.upperBound
            entryOffset = entry.data.upperBound
        }
        guard recordOffset == end.directory.upperBound else {
            throw .structure("the central directory has more than its \(end.entryCount) records", at: recordOffset)
        }
        guard entryOffset == end.directory.lowerBound else {
            throw .structure("bytes that belong to no entry, before the central directory", at: entryOffset)
        }
        try Self.checkCollision(entries)
        self.entries = entries
    }

    init(checked entries: [ZipEntry]) { self.entries = entries }

    static func checkBeginning(_ zip: ZipBytes) throws(ArchiveError) {
        guard zip.count >= ZipRecords.endSize, zip.u32(0) == ZipRecords.localSignature else {
            let reason =
                zip.count == 0 ? "the file is empty" : "the file begins with \(printable(zip.bytes.prefix(4)))"
            throw ArchiveError(
                .notAnArchive, "this is no Lamina archive (\(reason)); a .lamina file begins with 'PK\\x03\\x04'")
        }
    }

    /// The name of an entry, checked.
    static func name(_ zip: ZipBytes, _ record: ZipCentralRecord) throws(ArchiveError) -> String {
        let bytes = zip[record.name]
        if let fault = EntryName.fault(bytes) { throw ArchiveError(.name, fault, at: "entry \(printable(bytes))") }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func checkCollision(_ entries: [ZipEntry]) throws(ArchiveError) {
        if let name = EntryName.collision(entries.map(\.name)) {
            throw ArchiveError(.name, "the entry is also a folder of other entries", at: name)
        }
    }

    /// One entry: its record in the canonical form, its local header equal to it, its data at the computed place.
    private static func entry(
        _ zip: ZipBytes, _ record: ZipCentralRecord, name: String, position: Int, offset: Int, limit: Int
    ) throws(ArchiveError) -> ZipEntry {
        func fault(_ message: String) -> ArchiveError { ArchiveError(.structure, message, at: name) }
        let common = record.common
        if common.flags & 0x2041 != 0 { throw fault("the entry is encrypted") }
        guard common.flags == 0 else { throw fault("flags \(common.flags), wanted 0") }
        guard common.method == 0 else { throw fault("compression method \(common.method), wanted 0 (stored)") }
        guard common.time == 0, common.date == date else { throw fault("a time stamp other than 1980-01-01 00:00") }
        guard record.madeBy >> 8 == 3, record.externalAttributes == regularFile << 16 else {
            throw fault("the mode is not that of a regular file with permissions 644 made by Unix")
        }
        guard record.comment.isEmpty, record.disk == 0, record.internalAttributes == 0 else {
            throw fault("the central record has a comment, a disk number or internal attributes")
        }
        let (size, compressedSize, localOffset) = try sizes(zip, record, name: name)
        guard size == compressedSize else {
            throw fault("a stored entry of \(size) bytes that takes \(compressedSize) bytes")
        }
        guard localOffset == offset else {
            throw fault("the entry begins at byte \(localOffset), but the one before it ends at \(offset)")
        }
        let local = try ZipLocalHeader(zip, at: offset, limit: limit)
        guard local.common.isEqualApartFromVersion(to: common), zip[local.name].elementsEqual(zip[record.name]) else {
            throw fault("the local header and the central record differ")
        }
        // An entry behind the first 4 GiB has a zip64 offset in its central record only.
        guard isVersion(local.common.version, hasZip64: ZipLayout.zip64Length(size: size) > 0),
            isVersion(common.version, hasZip64: !record.extra.isEmpty)
        else { throw fault("version needed is \(local.common.version) and \(common.version)") }
        let start = ZipLayout.dataStart(offset: offset, nameLength: local.name.count, size: size)
        guard local.extra.upperBound == start, isCanonicalExtra(zip, local, size: size) else {
            throw fault("the local extra field is not the padding that puts the data on byte \(start)")
        }
        guard size <= limit - start else {
            throw fault("\(size) bytes of data reach beyond the central directory's start")
        }
        return ZipEntry(
            name: name, data: start..<start + size, size: size, crc: common.crc, isDeflated: false, position: position)
    }

    private static func isVersion(_ version: Int, hasZip64: Bool) -> Bool {
        hasZip64 ? version == 45 : version == 10 || version == 20
    }

    /// The sizes and the offset of a central record, from the zip64 field where the record points there.
    private static func sizes(
        _ zip: ZipBytes, _ record: ZipCentralRecord, name: String
    ) throws(ArchiveError) -> (size: Int, compressedSize: Int, offset: Int) {
        let short = [record.common.size, record.common.compressedSize, record.localOffset]
        var values = short.map { UInt64($0) }
        let missing = short.indices.filter { short[$0] == ZipRecords.elsewhere }
        if missing.isEmpty {
            guard record.extra.isEmpty else {
                throw ArchiveError(.structure, "an extra field in the central record", at: name)
            }
        } else {
            let start = record.extra.lowerBound
            guard record.extra.count == 4 + 8 * missing.count, zip.u16(start) == ZipRecords.zip64Field,
                zip.u16(start + 2) == 8 * missing.count
            else { throw ArchiveError(.structure, "the zip64 field is malformed", at: name) }
            for (index, field) in missing.enumerated() {
                values[field] = zip.u64(start + 4 + 8 * index)
                guard values[field] >= UInt64(ZipRecords.elsewhere), values[field] <= UInt64(Int64.max) else {
                    throw ArchiveError(
                        .structure, "a zip64 value that a plain field could hold, or none could", at: name)
                }
            }
        }
        return (Int(values[0]), Int(values[1]), Int(values[2]))
    }

    /// Whether the extra field of a local header is what our writer puts there; its length has been checked.
    private static func isCanonicalExtra(_ zip: ZipBytes, _ local: ZipLocalHeader, size: Int) -> Bool {
        var offset = local.extra.lowerBound
        if ZipLayout.zip64Length(size: size) > 0 {
            guard zip.u16(offset) == ZipRecords.zip64Field, zip.u16(offset + 2) == 16,
                zip.u64(offset + 4) == UInt64(size), zip.u64(offset + 12) == UInt64(size)
            else { return false }
            offset += 20
        }
        let end = local.extra.upperBound
        return zip.u16(offset) == ZipLayout.alignmentField && zip.u16(offset + 2) == end - offset - 4
            && zip.u16(offset + 4) == ZipLayout.alignment && zip[offset + 6..<end].allSatisfy { $0 == 0 }
    }
}
