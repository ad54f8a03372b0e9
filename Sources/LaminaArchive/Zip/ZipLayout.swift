import LaminaFormats

/// The alignment of entry data, known to writer and reader alike.
///
/// Every local header carries, last among its extra fields, one with id `0xD935` (the id that Android's zipalign took
/// for this purpose): the alignment as 16 bits, then as many zero bytes as put the data on the next multiple.
enum ZipLayout {
    static let alignment = Safetensors.alignment
    static let alignmentField = 0xD935

    /// The bytes of a zip64 field in a local header: id, length and two sizes; only entries of 4 GiB have it.
    static func zip64Length(size: Int) -> Int { size >= Int(ZipRecords.elsewhere) ? 20 : 0 }

    /// The payload length of the alignment field of an entry whose local header begins at `offset`.
    static func paddingLength(offset: Int, nameLength: Int, size: Int) -> Int {
        let shortest = offset + ZipRecords.localSize + nameLength + zip64Length(size: size) + 4 + 2
        return 2 + (alignment - shortest % alignment) % alignment
    }

    /// Where the data of such an entry begins.
    static func dataStart(offset: Int, nameLength: Int, size: Int) -> Int {
        offset + ZipRecords.localSize + nameLength + zip64Length(size: size) + 4
            + paddingLength(offset: offset, nameLength: nameLength, size: size)
    }
}
