import LaminaFormats

/// The content of an entry to be written: its length, and its bytes, which can be read more than once.
///
/// They are read twice, because the manifest stands before the entries and holds their hashes: once to hash, once to
/// write. What differs the second time is found when the new file is verified.
public struct ArchiveContent {
    public let size: Int
    private let source: Source

    private enum Source {
        /// Memory; `owner` keeps it alive, or the caller does.
        case pieces([UnsafeRawBufferPointer], owner: [AnyObject])
        case stream(() throws -> Reader)
    }

    /// Fills a part of the buffer from its start and returns how much; 0 at the end.
    public typealias Reader = (UnsafeMutableRawBufferPointer) throws -> Int

    /// A copy of these bytes.
    public static func bytes(_ bytes: [UInt8]) throws -> ArchiveContent {
        let copy = try bytes.withUnsafeBytes { try AlignedBytes(copying: $0) }
        return ArchiveContent(size: bytes.count, source: .pieces([copy.bytes], owner: [copy]))
    }

    public static func text(_ text: String) throws -> ArchiveContent { try .bytes(Array(text.utf8)) }

    /// A JSON text, in the pretty form.
    public static func json(_ json: JSON) throws -> ArchiveContent { try .bytes(json.bytes(.pretty)) }

    /// Pieces of memory, one after the other. The caller keeps them alive and unchanged until the archive is written.
    public static func borrowed(_ pieces: [UnsafeRawBufferPointer]) -> ArchiveContent {
        ArchiveContent(size: pieces.reduce(0) { $0 + $1.count }, source: .pieces(pieces, owner: []))
    }

    /// A safetensors file of these tensors, whose bytes stay borrowed until the archive is written.
    public static func tensors(
        _ sources: [Safetensors.Source], metadata: [(String, String)] = []
    ) throws -> ArchiveContent {
        var pieces: [UnsafeRawBufferPointer] = []
        var prefix: AlignedBytes?
        try Safetensors.write(sources, metadata: metadata) { piece in
            if prefix == nil {
                // The header is memory of the encoder; the tensors are the caller's.
                prefix = try AlignedBytes(copying: piece)
                pieces.append(prefix!.bytes)
            } else {
                pieces.append(piece)
            }
        }
        return ArchiveContent(size: pieces.reduce(0) { $0 + $1.count }, source: .pieces(pieces, owner: [prefix!]))
    }

    /// The file at `path`, mapped until the archive is written.
    public static func file(_ path: String) throws -> ArchiveContent {
        let mapping = try FileMapping(path: path)
        return ArchiveContent(size: mapping.bytes.count, source: .pieces([mapping.bytes], owner: [mapping]))
    }

    /// `size` bytes from a reader that `open` begins anew each time it is called, with the same bytes each time.
    public static func stream(size: Int, open: @escaping () throws -> Reader) -> ArchiveContent {
        precondition(size >= 0)
        return ArchiveContent(size: size, source: .stream(open))
    }

    /// Begins to read from the start.
    func reader() throws -> Reader {
        switch source {
        case .stream(let open): return try open()
        case .pieces(let pieces, _):
            var rest = pieces[...]
            var offset = 0
            return { buffer in
                while let piece = rest.first, offset == piece.count {
                    rest = rest.dropFirst()
                    offset = 0
                }
                guard let piece = rest.first else { return 0 }
                let count = min(buffer.count, piece.count - offset)
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: piece[offset..<offset + count]))
                offset += count
                return count
            }
        }
    }

    /// Passes all bytes to `body`, piece by piece. Throws when a stream does not have exactly `size` bytes.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        switch source {
        case .pieces(let pieces, _):
            for piece in pieces { try body(piece) }
        case .stream(let open):
            let read = try open()
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: ZipLayout.alignment)
            defer { buffer.deallocate() }
            var total = 0
            while case let count = try read(buffer), count > 0 {
                precondition(count <= buffer.count, "a reader returned more bytes than its buffer holds")
                total += count
                guard total <= size else { break }
                try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            guard total == size else {
                throw ArchiveError(
                    .content, "a stream announced \(size) bytes and delivered \(total > size ? "more" : "\(total)")")
            }
        }
    }
}
