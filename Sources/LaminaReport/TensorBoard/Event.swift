/// A record of a TensorBoard event file: scalars measured at one step, or the version mark that begins a file.
///
/// The protocol buffer `tensorflow.Event`, as far as scalars need it: wall_time = 1 (double), step = 2 (varint),
/// file_version = 3 (string), summary = 5 {value = 1 {tag = 1 (string), simple_value = 2 (float)}}.
struct Event: Equatable {
    struct Scalar: Equatable {
        let tag: String
        let value: Float
    }

    /// Seconds since 1970.
    var wallTime: Double
    var step: UInt64 = 0
    var fileVersion: String?
    var scalars: [Scalar] = []

    static let version = "brain.Event:2"

    var bytes: [UInt8] {
        var event = [0x09] + RecordFile.littleEndian(wallTime.bitPattern)
        if step > 0 { event += [0x10] + Self.varint(step) }
        if let fileVersion { event += Self.field(3, Array(fileVersion.utf8)) }
        if !scalars.isEmpty {
            let summary = scalars.flatMap { scalar in
                Self.field(
                    1,
                    Self.field(1, Array(scalar.tag.utf8)) + [0x15] + RecordFile.littleEndian(scalar.value.bitPattern))
            }
            event += Self.field(5, summary)
        }
        return event
    }

    /// A length-delimited field.
    private static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(UInt64(content.count)) + content
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// When and at which step an event that `bytes` wrote happened; nil for anything else.
    static func moment(_ bytes: ArraySlice<UInt8>) -> (wallTime: Double, step: UInt64)? {
        guard bytes.count >= 9, bytes.first == 0x09 else { return nil }
        let wallTime = Double(bitPattern: RecordFile.integer(bytes.dropFirst().prefix(8)))
        var step: UInt64 = 0
        if bytes.count > 9, bytes[bytes.startIndex + 9] == 0x10 {
            for (position, byte) in bytes.dropFirst(10).prefix(10).enumerated() {
                step |= UInt64(byte & 0x7F) << UInt64(7 * position)
                if byte < 0x80 { break }
            }
        }
        return (wallTime, step)
    }
}
