import CZlib

/// Bytes of the file formats, made in memory.
enum FileContent {
    /// An IDX file with elements given as big-endian bytes.
    static func idx(type: UInt8 = 0x08, _ dimensions: [UInt32], _ elements: [UInt8]) -> [UInt8] {
        [0, 0, type, UInt8(dimensions.count)] + dimensions.flatMap { bigEndian($0) } + elements
    }

    /// An NPY file, its header padded as NumPy does.
    static func npy(_ descr: String, _ shape: String, _ elements: [UInt8], version: UInt8 = 1, fortran: Bool = false)
        -> [UInt8]
    {
        let order = fortran ? "True" : "False"
        return npy(
            header: "{'descr': '\(descr)', 'fortran_order': \(order), 'shape': \(shape), }", elements, version: version)
    }

    static func npy(header: String, _ elements: [UInt8], version: UInt8 = 1) -> [UInt8] {
        let prefix = version == 1 ? 10 : 12
        let padding = (64 - (prefix + header.utf8.count + 1) % 64) % 64
        let text = Array(header.utf8) + [UInt8](repeating: 0x20, count: padding) + [0x0A]
        let length = version == 1 ? littleEndian([UInt16(text.count)]) : littleEndian([UInt32(text.count)])
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + elements
    }

    static func littleEndian<Value: BitwiseCopyable>(_ values: [Value]) -> [UInt8] {
        values.withUnsafeBytes { Array($0) }
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
