import Foundation
import LaminaFormats
import Testing

/// A `.lamina` file as bytes: its entries are stored, so they can be read and changed where they lie.
struct ArchiveBytes {
    private(set) var bytes: [UInt8]
    private var entries: [String: (local: Int, central: Int, content: Range<Int>)] = [:]

    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        // Without an archive comment, which our archives never have, the end record is the last 22 bytes.
        let end = bytes.count - 22
        try #require(end > 0 && number(end, 4) == 0x0605_4B50, "no end record")
        var place = number(end + 16, 4)
        for _ in 0..<number(end + 10, 2) {
            try #require(number(place, 4) == 0x0201_4B50, "no central record")
            let lengths = [28, 30, 32].map { number(place + $0, 2) }
            let name = String(decoding: bytes[place + 46..<place + 46 + lengths[0]], as: UTF8.self)
            let local = number(place + 42, 4)
            let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
            try #require(number(place + 10, 2) == 0, "\(name) is compressed")
            entries[name] = (local, place, start..<start + number(place + 24, 4))
            place += 46 + lengths.reduce(0, +)
        }
    }

    private func number(_ place: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }

    var names: [String] { entries.keys.sorted() }

    func range(of name: String) throws -> Range<Int> {
        try #require(entries[name]?.content, "there is no entry '\(name)' among \(names)")
    }

    func content(_ name: String) throws -> [UInt8] { Array(bytes[try range(of: name)]) }
    func tensors(_ name: String = "weights/model.safetensors") throws -> TensorFile {
        try TensorFile(bytes: content(name))
    }
    func json(_ name: String) throws -> JSON { try JSON.parse(content(name)) }

    /// Puts content of the same length in place of an entry's, and makes checksum and manifest agree with it.
    mutating func forge(_ name: String, _ content: [UInt8]) throws {
        let old = try sha256(self.content(name))
        try replace(name, content)
        var manifest = String(decoding: try self.content("manifest.json"), as: UTF8.self)
        try #require(manifest.contains(old), "the manifest has no hash of \(name)")
        manifest = manifest.replacingOccurrences(of: old, with: try sha256(content))
        try replace("manifest.json", Array(manifest.utf8))
    }

    private mutating func replace(_ name: String, _ content: [UInt8]) throws {
        let range = try range(of: name)
        try #require(content.count == range.count)
        bytes.replaceSubrange(range, with: content)
        let sum = withUnsafeBytes(of: crc32(content).littleEndian) { Array($0) }
        let entry = entries[name]!
        bytes.replaceSubrange(entry.local + 14..<entry.local + 18, with: sum)
        bytes.replaceSubrange(entry.central + 16..<entry.central + 20, with: sum)
    }
}

/// The CRC-32 of zip and PNG.
func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = (sum >> 1) ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~sum
}

/// The SHA-256 in hexadecimal digits, from coreutils.
func sha256(_ bytes: [UInt8]) throws -> String {
    let folder = try Folder()
    try folder.write(bytes, "content")
    let outcome = try Command(path: "/usr/bin/sha256sum").run(["content"], in: folder.path)
    return String(try #require(outcome.output.split(separator: " ").first))
}
