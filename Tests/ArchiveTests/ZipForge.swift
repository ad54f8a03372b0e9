import Foundation

/// Makes zip files byte by byte, without libzip: the canonical form unless a field is told otherwise.
struct ZipForge: Sendable {
    struct Entry: Sendable {
        var name: [UInt8]
        var data: [UInt8]
        var version = 10
        var flags = 0
        var method = 0
        var time = 0
        var date = 0x21
        var crc: UInt32
        var size: UInt32
        var compressedSize: UInt32
        var madeBy = 0x033F
        var externalAttributes: UInt32 = 0o100644 << 16
        var internalAttributes = 0
        var disk = 0
        var comment: [UInt8] = []
        var centralExtra: [UInt8] = []
        /// The local extra field; nil for the canonical padding.
        var localExtra: [UInt8]?
        /// The local name; nil for the same as the central one.
        var localName: [UInt8]?
        /// Changes the local header alone.
        var localChange: @Sendable (inout Entry) -> Void = { _ in }
        /// What the central record says about the place; nil for the truth.
        var offset: UInt32?
        /// Bytes after the data: a descriptor, or a gap.
        var after: [UInt8] = []
        var isListed = true

        init(_ name: String, _ data: [UInt8]) {
            self.name = Array(name.utf8)
            self.data = data
            crc = ZipForge.crc(data)
            size = UInt32(data.count)
            compressedSize = size
        }

        /// Holds `content` deflated; `stream` is the deflated form.
        mutating func deflate(_ content: [UInt8], stream: [UInt8]) {
            data = stream
            method = 8
            crc = ZipForge.crc(content)
            size = UInt32(content.count)
            compressedSize = UInt32(stream.count)
        }
    }

    var entries: [Entry]
    var prefix: [UInt8] = []
    var beforeDirectory: [UInt8] = []
    var beforeEnd: [UInt8] = []
    var comment: [UInt8] = []
    var trailing: [UInt8] = []
    var count: Int?
    var directorySize: UInt32?
    var directoryOffset: UInt32?
    var disk = 0
    /// The order of the central directory; nil for that of the entries.
    var directoryOrder: [Int]?

    init(_ entries: [(String, [UInt8])]) { self.entries = entries.map { Entry($0.0, $0.1) } }

    subscript(name: String) -> Entry {
        get { entries[position(name)] }
        set { entries[position(name)] = newValue }
    }

    func position(_ name: String) -> Int { entries.firstIndex { $0.name == Array(name.utf8) }! }

    /// Replaces the content of an entry, with the right size and CRC.
    mutating func replace(_ name: String, _ data: [UInt8]) { self[name] = Entry(name, data) }

    /// Replaces text in a text entry.
    mutating func replace(_ name: String, _ old: String, with new: String) {
        let text = String(decoding: self[name].data, as: UTF8.self)
        precondition(text.contains(old), "'\(old)' is not in \(name)")
        replace(name, Array(text.replacingOccurrences(of: old, with: new).utf8))
    }

    var bytes: [UInt8] {
        var out = prefix
        var offsets: [Int] = []
        for entry in entries {
            offsets.append(out.count)
            var local = entry
            entry.localChange(&local)
            let name = local.localName ?? local.name
            let extra = local.localExtra ?? Self.padding(out.count + 30 + name.count)
            out +=
                u32(0x0403_4B50) + common(local) + u16(name.count) + u16(extra.count) + name + extra + local.data
                + local.after
        }
        out += beforeDirectory
        let start = out.count
        let listed = (directoryOrder ?? Array(entries.indices)).filter { entries[$0].isListed }
        for index in listed {
            let entry = entries[index]
            out +=
                u32(0x0201_4B50) + u16(entry.madeBy) + common(entry) + u16(entry.name.count)
                + u16(entry.centralExtra.count)
            out += u16(entry.comment.count) + u16(entry.disk) + u16(entry.internalAttributes)
            out += u32(entry.externalAttributes) + u32(entry.offset ?? UInt32(offsets[index]))
            out += entry.name + entry.centralExtra + entry.comment
        }
        let size = directorySize ?? UInt32(out.count - start)
        out += beforeEnd
        out += u32(0x0605_4B50) + u16(disk) + u16(disk) + u16(count ?? listed.count) + u16(count ?? listed.count)
        out += u32(size) + u32(directoryOffset ?? UInt32(start)) + u16(comment.count) + comment + trailing
        return out
    }

    private func common(_ entry: Entry) -> [UInt8] {
        u16(entry.version) + u16(entry.flags) + u16(entry.method) + u16(entry.time) + u16(entry.date) + u32(entry.crc)
            + u32(entry.compressedSize) + u32(entry.size)
    }

    static func padding(_ start: Int) -> [UInt8] {
        let zeros = (64 - (start + 6) % 64) % 64
        return [0x35, 0xD9] + u16(2 + zeros) + [64, 0] + Array(repeating: 0, count: zeros)
    }

    /// CRC-32, a bit at a time: the reference for the fast one.
    static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
        }
        return ~crc
    }

    /// A deflate stream that stores `content` in blocks without compressing it.
    static func deflateStored(_ content: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var rest = content[...]
        repeat {
            let block = rest.prefix(65535)
            rest = rest.dropFirst(65535)
            out += [rest.isEmpty ? 1 : 0] + u16(block.count) + u16(~block.count & 0xFFFF) + block
        } while !rest.isEmpty
        return out
    }

    /// A deflate stream of `count` zero bytes or slightly more, about 160 times shorter: a bomb.
    static func deflateZeros(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        var bits: UInt64 = 0
        var bitCount = 0
        func put(_ value: UInt64, _ width: Int) {
            bits |= value << UInt64(bitCount)
            bitCount += width
            while bitCount >= 8 {
                out.append(UInt8(bits & 0xFF))
                bits >>= 8
                bitCount -= 8
            }
        }
        put(1, 1)  // last block
        put(1, 2)  // fixed Huffman codes
        put(0b0000_1100, 8)  // literal 0: code 00110000, most significant bit first
        for _ in 0..<count / 258 {
            put(0b1010_0011, 8)  // length 258: code 11000101
            put(0, 5)  // distance 1
        }
        put(0, 7)  // end of block
        put(0, 7)
        return out
    }
}

func u16(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt16(truncatingIfNeeded: value).littleEndian) { Array($0) } }
func u32(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
func u64(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
