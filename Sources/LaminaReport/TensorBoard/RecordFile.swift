/// The framing of TensorBoard's event files, TFRecord: records with their length, both guarded by checksums.
///
///     UInt64 length | UInt32 masked CRC-32C of the length | length bytes | UInt32 masked CRC-32C of the bytes
///
/// All little-endian. Source: TensorFlow's documentation, "TFRecord and tf.train.Example".
enum RecordFile {
    static func frame(_ record: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(record.count))
        return length + littleEndian(CRC32C.masked(length)) + record + littleEndian(CRC32C.masked(record))
    }

    /// The records of a file up to its end or the first one that is cut or damaged.
    static func records(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var records: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while rest.count >= 16 {
            let header = rest.prefix(8)
            let length: UInt64 = integer(header)
            guard integer(rest.dropFirst(8).prefix(4)) == CRC32C.masked(header), length <= rest.count - 16 else {
                break
            }
            let record = rest.dropFirst(12).prefix(Int(length))
            rest = rest.dropFirst(12 + Int(length))
            guard integer(rest.prefix(4)) == CRC32C.masked(record) else { break }
            rest = rest.dropFirst(4)
            records.append(record)
        }
        return records
    }

    static func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    static func integer<Value: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Value {
        bytes.reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }
}
