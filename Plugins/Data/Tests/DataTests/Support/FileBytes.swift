import CZlib

/// Bytes of the file formats, made in memory.
enum FileContent {
    /// An IDX file with elements given as big-endian bytes.
    static func idx(type: UInt8 = 0x08, _ dimensions: [UInt32], _ elements: [UInt8]) -> [UInt8] {
        [0, 0, type, UInt8(dimensions.count)] + dimensions.flatMap { bigEndian($0) } + elements
    }

    static func bigEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    /// zlib's `deflate`; 31 as the window makes a gzip file, 15 a zlib stream.
    static func deflate(_ bytes: [UInt8], window: Int32 = 31) -> [UInt8] {
        var stream = z_stream()
        precondition(
            deflateInit2_(
                &stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK)
        defer { deflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 100 + 64)
        var input = bytes
        let room = output.count
        output.withUnsafeMutableBufferPointer { out in
            input.withUnsafeMutableBufferPointer { buffer in
                stream.next_in = buffer.baseAddress
                stream.avail_in = UInt32(buffer.count)
                stream.next_out = out.baseAddress
                stream.avail_out = UInt32(room)
                precondition(CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END)
            }
        }
        return Array(output.prefix(room - Int(stream.avail_out)))
    }

    /// A PNG file; `rows` hold the packed samples of each row, without filter bytes.
    static func png(
        width: Int, height: Int, bits: UInt8 = 8, color: UInt8, rows: [[UInt8]], chunks: [(String, [UInt8])] = []
    ) -> [UInt8] {
        let header = bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [bits, color, 0, 0, 0]
        let data = deflate(rows.flatMap { [0] + $0 }, window: 15)
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
            + chunks.flatMap { chunk($0.0, $0.1) } + chunk("IDAT", data) + chunk("IEND", [])
    }

    static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + content
        return bigEndian(UInt32(content.count)) + body + bigEndian(UInt32(crc32(0, body, UInt32(body.count))))
    }
}
