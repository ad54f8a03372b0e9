/// The records of a zip file, decoded; what they may say is judged in `ZipStructure`.
///
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16 and 4.5.3.
enum ZipRecords {
    static let localSignature: UInt32 = 0x0403_4B50
    static let centralSignature: UInt32 = 0x0201_4B50
    static let endSignature: UInt32 = 0x0605_4B50
    static let end64Signature: UInt32 = 0x0606_4B50
    static let locator64Signature: UInt32 = 0x0706_4B50
    static let descriptorSignature: UInt32 = 0x0807_4B50

    static let localSize = 30
    static let centralSize = 46
    static let endSize = 22
    static let end64Size = 56
    static let locator64Size = 20

    static let zip64Field = 0x0001
    /// What a 32-bit field holds when its value is in the zip64 field.
    static let elsewhere = UInt32.max
}

/// The fields that a local header and a central record share.
struct ZipCommonFields {
    let version: Int
    let flags: Int
    let method: Int
    let time: Int
    let date: Int
    let crc: UInt32
    let compressedSize: UInt32
    let size: UInt32

    /// Reads them from where `version needed` stands.
    init(_ zip: ZipBytes, at offset: Int) {
        version = zip.u16(offset)
        flags = zip.u16(offset + 2)
        method = zip.u16(offset + 4)
        time = zip.u16(offset + 6)
        date = zip.u16(offset + 8)
        crc = zip.u32(offset + 10)
        compressedSize = zip.u32(offset + 14)
        size = zip.u32(offset + 18)
    }

    func isEqualApartFromVersion(to other: ZipCommonFields) -> Bool {
        flags == other.flags && method == other.method && time == other.time && date == other.date && crc == other.crc
            && compressedSize == other.compressedSize && size == other.size
    }
}

struct ZipCentralRecord {
    let offset: Int
    let madeBy: Int
    let common: ZipCommonFields
    let disk: Int
    let internalAttributes: Int
    let externalAttributes: UInt32
    let localOffset: UInt32
    let name: Range<Int>
    let extra: Range<Int>
    let comment: Range<Int>

    /// Reads the record at `offset`. Throws when it does not lie within `directory`.
    init(_ zip: ZipBytes, at offset: Int, within directory: Range<Int>) throws(ArchiveError) {
        guard directory.upperBound - offset >= ZipRecords.centralSize,
            zip.u32(offset) == ZipRecords.centralSignature
        else { throw .structure("there is no record of the central directory", at: offset) }
        self.offset = offset
        madeBy = zip.u16(offset + 4)
        common = ZipCommonFields(zip, at: offset + 6)
        disk = zip.u16(offset + 34)
        internalAttributes = zip.u16(offset + 36)
        externalAttributes = zip.u32(offset + 38)
        localOffset = zip.u32(offset + 42)
        let nameStart = offset + ZipRecords.centralSize
        name = nameStart..<nameStart + zip.u16(offset + 28)
        extra = name.upperBound..<name.upperBound + zip.u16(offset + 30)
        comment = extra.upperBound..<extra.upperBound + zip.u16(offset + 32)
        guard comment.upperBound <= directory.upperBound else {
            throw .structure("a record of the central directory reaches beyond it", at: offset)
        }
    }
}

struct ZipLocalHeader {
    let offset: Int
    let common: ZipCommonFields
    let name: Range<Int>
    let extra: Range<Int>

    /// Reads the header at `offset`. Throws when it does not end before `limit`.
    init(_ zip: ZipBytes, at offset: Int, limit: Int) throws(ArchiveError) {
        guard limit - offset >= ZipRecords.localSize, zip.u32(offset) == ZipRecords.localSignature else {
            throw .structure("there is no local header", at: offset)
        }
        self.offset = offset
        common = ZipCommonFields(zip, at: offset + 4)
        let nameStart = offset + ZipRecords.localSize
        name = nameStart..<nameStart + zip.u16(offset + 26)
        extra = name.upperBound..<name.upperBound + zip.u16(offset + 28)
        guard extra.upperBound <= limit else {
            throw .structure("a local header reaches beyond the central directory's start", at: offset)
        }
    }
}

/// The end record, with the values of its zip64 form when it has one.
struct ZipEnd {
    let entryCount: Int
    let directory: Range<Int>

    /// Reads the end record, which must end the file and have no comment.
    init(_ zip: ZipBytes) throws(ArchiveError) {
        let offset = zip.count - ZipRecords.endSize
        guard offset >= 0, zip.u32(offset) == ZipRecords.endSignature, zip.u16(offset + 20) == 0 else {
            throw .structure(
                "the file does not end with an end record (cut off, or with trailing bytes or a comment)",
                at: max(offset, 0))
        }
        var count = UInt64(zip.u16(offset + 10))
        var size = UInt64(zip.u32(offset + 12))
        var start = UInt64(zip.u32(offset + 16))
        guard zip.u16(offset + 4) == 0, zip.u16(offset + 6) == 0, zip.u16(offset + 8) == zip.u16(offset + 10) else {
            throw .structure("the end record speaks of several disks", at: offset)
        }
        var recordsStart = offset
        if count == 0xFFFF || size == UInt64(ZipRecords.elsewhere) || start == UInt64(ZipRecords.elsewhere) {
            let full = try Self.zip64(zip, before: offset)
            // Where the short form has a value at all, both must say the same.
            guard count == 0xFFFF || count == full.count, size == UInt64(ZipRecords.elsewhere) || size == full.size,
                start == UInt64(ZipRecords.elsewhere) || start == full.start
            else { throw .structure("the end record and its zip64 form disagree", at: offset) }
            guard
                full.count >= 0xFFFF || full.size >= UInt64(ZipRecords.elsewhere)
                    || full.start >= UInt64(ZipRecords.elsewhere)
            else { throw .structure("a zip64 end record without need", at: offset) }
            (count, size, start) = full
            recordsStart -= ZipRecords.locator64Size + ZipRecords.end64Size
        }
        guard start <= UInt64(recordsStart), size == UInt64(recordsStart) - start else {
            throw .structure("the central directory does not end where the end record begins", at: recordsStart)
        }
        guard count <= UInt64(ZipStructure.entryLimit) else {
            throw ArchiveError(.limit, "\(count) entries, at most \(ZipStructure.entryLimit) are allowed")
        }
        entryCount = Int(count)
        directory = Int(start)..<recordsStart
    }

    private static func zip64(
        _ zip: ZipBytes, before offset: Int
    ) throws(ArchiveError) -> (count: UInt64, size: UInt64, start: UInt64) {
        let locator = offset - ZipRecords.locator64Size
        let record = locator - ZipRecords.end64Size
        guard record >= 0, zip.u32(locator) == ZipRecords.locator64Signature, zip.u32(locator + 4) == 0,
            zip.u64(locator + 8) == UInt64(record), zip.u32(locator + 16) == 1
        else { throw .structure("the end record points to a zip64 form that is not directly before it", at: offset) }
        guard zip.u32(record) == ZipRecords.end64Signature, zip.u64(record + 4) == UInt64(ZipRecords.end64Size - 12),
            zip.u32(record + 16) == 0, zip.u32(record + 20) == 0, zip.u64(record + 24) == zip.u64(record + 32)
        else { throw .structure("the zip64 end record is malformed", at: record) }
        return (zip.u64(record + 32), zip.u64(record + 40), zip.u64(record + 48))
    }
}
