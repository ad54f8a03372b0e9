import LaminaFormats
import LaminaSDK

/// An IDX file, plain or gzipped: an array with a header of magic, element type and dimensions.
///
/// ```
/// 0, 0, type, rank        type: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
/// rank × 4 bytes          the dimensions, big-endian
/// to the end              the elements, row-major, big-endian
/// ```
/// Source: http://yann.lecun.com/exdb/mnist (section "The IDX file format").
enum IDXFile {
    /// Opens and checks the file. Throws `.file` or `.data`.
    static func open(_ path: String) throws(PluginError) -> StoredArray {
        let mapping = try InputFile.map(path)
        return GzipReader.isGzip(mapping.bytes) ? try inflate(mapping) : try view(mapping)
    }

    private static func view(_ mapping: FileMapping) throws(PluginError) -> StoredArray {
        let (file, path) = (mapping.bytes, mapping.path)
        var position = 0
        let header = try Header(path: path) { bytes throws(PluginError) in
            guard bytes.count <= file.count - position else {
                throw .data("'\(path)' has \(file.count) bytes and ends inside its IDX header; get the file again")
            }
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: file[position..<(position + bytes.count)]))
            position += bytes.count
        }
        guard file.count - position == header.byteCount else {
            throw header.mismatch("the file has \(file.count - position) bytes after its header")
        }
        return header.array(UnsafeRawBufferPointer(rebasing: file[position...]), owner: mapping)
    }

    private static func inflate(_ mapping: FileMapping) throws(PluginError) -> StoredArray {
        let reader = try GzipReader(mapping.bytes, path: mapping.path)
        let header = try Header(path: mapping.path) { bytes throws(PluginError) in try reader.read(into: bytes) }
        guard reader.canHold(header.byteCount) else {
            throw header.mismatch("\(mapping.bytes.count) gzipped bytes cannot hold that much")
        }
        let memory = try OwnedBytes(count: header.byteCount, for: "'\(mapping.path)'")
        try reader.read(into: memory.bytes)
        try reader.finish()
        return header.array(UnsafeRawBufferPointer(memory.bytes), owner: memory)
    }

    private struct Header {
        let path: String
        let element: StoredElement
        let dimensions: [Int]
        let byteCount: Int

        /// `fill` delivers the next bytes of the file.
        init(
            path: String, fill: (UnsafeMutableRawBufferPointer) throws(PluginError) -> Void
        ) throws(PluginError) {
            self.path = path
            let magic = try Self.take(4, fill)
            guard magic[0] == 0, magic[1] == 0 else {
                let got = magic.map { hex($0) }.joined(separator: " ")
                throw .data("'\(path)' is no IDX file: it begins with \(got), wanted 00 00, an element type and a rank")
            }
            guard let kind = Self.kinds[magic[2]] else {
                throw .data(
                    "'\(path)': element type \(hex(magic[2])) is no IDX type; known are 08, 09, 0B, 0C, 0D and 0E")
            }
            guard (1...7).contains(magic[3]) else {
                throw .data("'\(path)': it has \(magic[3]) dimensions, between 1 and 7 are allowed")
            }
            let raw = try Self.take(Int(magic[3]) * 4, fill)
            element = StoredElement(kind: kind, isBigEndian: true)
            dimensions = stride(from: 0, to: raw.count, by: 4).map { start in
                raw[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
            }
            byteCount = try StoredArray.byteCount(element, dimensions, label: "'\(path)'")
        }

        private static let kinds: [UInt8: StoredElement.Kind] = [
            0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
        ]

        private static func take(
            _ count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(PluginError) -> Void
        ) throws(PluginError) -> [UInt8] {
            let memory = try OwnedBytes(count: count, for: "an IDX header")
            try fill(memory.bytes)
            return Array(memory.bytes)
        }

        func array(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) -> StoredArray {
            StoredArray(label: "'\(path)'", element: element, dimensions: dimensions, bytes: bytes, owner: owner)
        }

        func mismatch(_ got: String) -> PluginError {
            .data("'\(path)': dimensions \(dimensions) take \(byteCount) bytes, but \(got); get the file again")
        }
    }
}

/// Two hexadecimal digits.
func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return digits.utf8.count < 2 ? "0" + digits : digits
}
