/// Archives that another program has zipped again: the content is ours, the container is not.
///
/// Relaxed are only the container's conveniences: order, time stamps, deflate, data descriptors, folder entries, extra
/// fields and alignment. What keeps a reader safe stays: entries without gap or overlap from byte 0 to the central
/// directory, headers that agree, the names, regular files, no encryption.
extension ZipStructure {
    /// Checks a file of another zip program. Throws `ArchiveError`.
    init(tolerant bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        let zip = ZipBytes(bytes: bytes)
        try Self.checkBeginning(zip)
        let end = try ZipEnd(zip)
        var recordOffset = end.directory.lowerBound
        var found: [Found] = []
        var names: Set<String> = []
        for position in 0..<end.entryCount {
            let record = try ZipCentralRecord(zip, at: recordOffset, within: end.directory)
            recordOffset = record.comment.upperBound
            let one = try Found(zip, record, position: position, limit: end.directory.lowerBound)
            if !one.isFolder, !names.insert(one.entry.name).inserted {
                throw ArchiveError(.name, "the entry stands twice", at: one.entry.name)
            }
            found.append(one)
        }
        guard recordOffset == end.directory.upperBound else {
            throw .structure("the central directory has more than its \(end.entryCount) records", at: recordOffset)
        }
        found.sort { $0.range.lowerBound < $1.range.lowerBound }
        var entryEnd = 0
        for one in found {
            guard one.range.lowerBound == entryEnd else {
                throw ArchiveError(
                    .structure,
                    "the entry begins at byte \(one.range.lowerBound), the one before it ends at \(entryEnd)",
                    at: one.entry.name)
            }
            entryEnd = one.range.upperBound
        }
        guard entryEnd == end.directory.lowerBound else {
            throw .structure("bytes that belong to no entry, before the central directory", at: entryEnd)
        }
        let entries = found.filter { !$0.isFolder }.map(\.entry)
        try Self.checkCollision(entries)
        self.init(checked: entries)
    }
}

/// An entry with all of its bytes: header, data and data descriptor.
private struct Found {
    let entry: ZipEntry
    let range: Range<Int>
    let isFolder: Bool

    private static let descriptorFlag = 0x0008
    /// Deflate levels (bits 1 and 2), data descriptor, UTF-8 names. Everything else changes what the bytes mean.
    private static let allowedFlags = 0x080E
    /// Info-ZIP's Unicode path, which names the entry otherwise for some readers, and AES encryption.
    private static let forbiddenFields: Set<Int> = [0x7075, 0x9901]

    init(_ zip: ZipBytes, _ record: ZipCentralRecord, position: Int, limit: Int) throws(ArchiveError) {
        var nameRange = record.name
        isFolder = !nameRange.isEmpty && zip.bytes[nameRange.upperBound - 1] == UInt8(ascii: "/")
        if isFolder { nameRange = nameRange.lowerBound..<nameRange.upperBound - 1 }
        let name = String(decoding: zip[nameRange], as: UTF8.self)
        // A folder entry holds nothing and is dropped, but its name must still stay inside.
        if let fault = EntryName.fault(isFolder ? Array(zip[nameRange]) + Array("/x".utf8) : Array(zip[nameRange])) {
            throw ArchiveError(.name, fault, at: "entry \(printable(zip[record.name]))")
        }
        func fault(_ message: String) -> ArchiveError { ArchiveError(.structure, message, at: name) }

        let common = record.common
        if common.flags & 0x2041 != 0 { throw fault("the entry is encrypted") }
        guard common.flags & ~Self.allowedFlags == 0 else { throw fault("flags \(common.flags) are not supported") }
        guard common.method == 0 || common.method == 8 else {
            throw fault("compression method \(common.method), only 0 (stored) and 8 (deflate) are supported")
        }
        let mode = record.externalAttributes >> 16
        let type = mode & 0o170_000
        guard type == 0 || type == (isFolder ? 0o040_000 : 0o100_000), mode & 0o7000 == 0,
            isFolder || record.externalAttributes & 0x10 == 0
        else { throw fault("the mode is not that of a regular file") }
        guard record.disk == 0 else { throw fault("the entry is on another disk") }

        let central = try Self.sizes(
            zip, record.extra, size: record.common.size, compressedSize: record.common.compressedSize,
            offset: record.localOffset, name: name)
        let local = try ZipLocalHeader(zip, at: min(central.offset, limit), limit: limit)
        guard zip[local.name].elementsEqual(zip[record.name]), local.common.flags == common.flags,
            local.common.method == common.method, local.common.time == common.time, local.common.date == common.date
        else { throw fault("the local header and the central record differ") }
        let hasDescriptor = common.flags & Self.descriptorFlag != 0
        let inLocal = try Self.sizes(
            zip, local.extra, size: local.common.size, compressedSize: local.common.compressedSize, offset: 0,
            name: name)
        let isLeftOpen = inLocal.size == 0 && inLocal.compressedSize == 0 && local.common.crc == 0
        guard
            (hasDescriptor && isLeftOpen)
                || (inLocal.size == central.size && inLocal.compressedSize == central.compressedSize
                    && local.common.crc == common.crc)
        else { throw fault("the local header and the central record differ") }
        guard common.method == 8 || central.size == central.compressedSize, !isFolder || central.size == 0 else {
            throw fault("a size that does not fit the entry")
        }
        let start = local.extra.upperBound
        guard central.compressedSize <= limit - start else {
            throw fault("the data reach beyond the central directory's start")
        }
        var end = start + central.compressedSize
        if hasDescriptor {
            end = try Self.descriptorEnd(
                zip, at: end, limit: limit, crc: common.crc, size: central.size, compressedSize: central.compressedSize,
                name: name)
        }
        range = local.offset..<end
        entry = ZipEntry(
            name: name, data: start..<start + central.compressedSize, size: central.size, crc: common.crc,
            isDeflated: common.method == 8, position: position)
    }

    private static func sizes(
        _ zip: ZipBytes, _ extra: Range<Int>, size: UInt32, compressedSize: UInt32, offset: UInt32, name: String
    ) throws(ArchiveError) -> (size: Int, compressedSize: Int, offset: Int) {
        let fields = try ZipExtraField.list(zip, extra)
        if fields.contains(where: { forbiddenFields.contains($0.id) }) {
            throw ArchiveError(.structure, "an extra field that renames or encrypts the entry", at: name)
        }
        let wide = fields.filter { $0.id == ZipRecords.zip64Field }
        guard wide.count <= 1 else { throw ArchiveError(.structure, "two zip64 fields", at: name) }
        var next = wide.first?.payload ?? 0..<0
        func full(_ short: UInt32) throws(ArchiveError) -> Int {
            guard short == ZipRecords.elsewhere, !wide.isEmpty else { return Int(short) }
            guard next.count >= 8, case let value = zip.u64(next.lowerBound), value <= UInt64(Int64.max) else {
                throw ArchiveError(.structure, "the zip64 field is malformed", at: name)
            }
            next = next.lowerBound + 8..<next.upperBound
            return Int(value)
        }
        return (try full(size), try full(compressedSize), try full(offset))
    }

    /// The end of the data descriptor at `offset`, which may have a signature and 32- or 64-bit sizes.
    private static func descriptorEnd(
        _ zip: ZipBytes, at offset: Int, limit: Int, crc: UInt32, size: Int, compressedSize: Int, name: String
    ) throws(ArchiveError) -> Int {
        // The form with a signature is tried first; a CRC that equals the signature makes both readings possible, and
        // then only one of them ends where the next entry begins, which the caller checks.
        for signature in [4, 0] {
            for width in [4, 8] {
                let length = signature + 4 + 2 * width
                guard limit - offset >= length else { continue }
                if signature == 4, zip.u32(offset) != ZipRecords.descriptorSignature { continue }
                let sizes = offset + signature + 4
                let first = width == 4 ? UInt64(zip.u32(sizes)) : zip.u64(sizes)
                let second = width == 4 ? UInt64(zip.u32(sizes + 4)) : zip.u64(sizes + 8)
                if zip.u32(offset + signature) == crc, first == UInt64(compressedSize), second == UInt64(size) {
                    return offset + length
                }
            }
        }
        throw ArchiveError(.structure, "the data descriptor differs from the central record", at: name)
    }
}
