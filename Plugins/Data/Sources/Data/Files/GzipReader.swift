import CZlib
import LaminaSDK

/// Inflates a gzip file in memory piece by piece, into memory whose size the caller decides: nothing in the file makes
/// it write more. Checks the stream's CRC and length. Source: RFC 1952.
final class GzipReader {
    private let input: UnsafeRawBufferPointer
    private let path: String
    private var stream = z_stream()
    /// How many bytes came out so far.
    private(set) var position = 0
    private var isAtEnd = false

    /// Deflate's best case is 258 bytes for 2 bits: 1032 bytes out of one.
    static let bestRatio = 1032

    static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b
    }

    /// `input` must outlive the reader.
    init(_ input: UnsafeRawBufferPointer, path: String) throws(PluginError) {
        self.input = input
        self.path = path
        stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        // 15: the largest window; 16: a gzip header, nothing else.
        let status = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .memory("no memory to inflate '\(path)'") }
    }

    deinit { inflateEnd(&stream) }

    /// Fills `output`, of whose bytes there must be as many left in the file.
    func read(into output: UnsafeMutableRawBufferPointer) throws(PluginError) {
        let count = try inflate(into: output)
        guard count == output.count else {
            throw .data(
                "'\(path)': the gzip stream holds \(position) bytes, wanted \(position - count + output.count) or more")
        }
    }

    /// Checks that nothing but the end, with a right checksum, is left.
    func finish() throws(PluginError) {
        let wanted = position
        let probe = try OwnedBytes(count: 1, for: "the end of '\(path)'")
        let extra = try inflate(into: probe.bytes)
        guard extra == 0 else {
            throw .data("'\(path)': the gzip stream holds more than the \(wanted) bytes that its dimensions ask for")
        }
    }

    /// Whether that much could come out of the file at all.
    func canHold(_ count: Int) -> Bool { count / Self.bestRatio <= input.count }

    private func inflate(into output: UnsafeMutableRawBufferPointer) throws(PluginError) -> Int {
        var done = 0
        while done < output.count, !isAtEnd {
            // zlib counts in 32 bits.
            let consumed = input.count - remaining
            stream.avail_in = UInt32(min(input.count - consumed, 1 << 30))
            let room = min(output.count - done, 1 << 30)
            stream.avail_out = UInt32(room)
            stream.next_out = (output.baseAddress! + done).assumingMemoryBound(to: UInt8.self)
            let status = CZlib.inflate(&stream, Z_NO_FLUSH)
            let count = room - Int(stream.avail_out)
            done += count
            position += count
            switch status {
            case Z_OK, Z_BUF_ERROR:
                guard remaining > 0 || done == output.count else {
                    throw .data(
                        "'\(path)': the gzip stream is cut off after \(position) bytes of content; get the file again")
                }
            case Z_STREAM_END: try startNextMember()
            case Z_MEM_ERROR: throw .memory("no memory to inflate '\(path)'")
            default:
                let reason = stream.msg.map { String(cString: $0) } ?? "damaged"
                throw .data("'\(path)': the gzip stream is corrupt (\(reason)); get the file again")
            }
        }
        return done
    }

    /// How much of the input zlib has not taken.
    private var remaining: Int {
        input.count - (UnsafeRawPointer(stream.next_in) - input.baseAddress!)
    }

    /// A gzip file may hold several streams, one after the other; anything else after the first is damage.
    private func startNextMember() throws(PluginError) {
        if remaining == 0 {
            isAtEnd = true
            return
        }
        let rest = UnsafeRawBufferPointer(rebasing: input[(input.count - remaining)...])
        guard Self.isGzip(rest) else {
            throw .data("'\(path)': \(rest.count) bytes that are no gzip follow the gzip stream; get the file again")
        }
        inflateReset(&stream)
    }
}
