import Glibc

/// A whole regular file, mapped read-only for as long as this object lives.
///
/// The pages stay those of the file that was opened, even when another is renamed over its path. Truncating the file
/// itself while it is mapped is the one thing that no reader of mappings survives (the system sends `SIGBUS`); Lamina
/// never truncates, it writes a new file and renames it.
public final class FileMapping: @unchecked Sendable {
    /// The bytes of the file; valid while this object lives.
    public let bytes: UnsafeRawBufferPointer
    public let path: String
    /// The descriptor that was mapped, open for reading; closed with this object.
    public let descriptor: Int32

    /// Opens and maps `path`. Throws `FileError`, also when it is no regular file.
    public convenience init(path: String) throws(FileError) {
        // Non-blocking, so that a FIFO is refused below instead of being waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError("open", path) }
        do {
            try self.init(adopting: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Maps the file behind `descriptor` and closes the descriptor at the end; on failure it stays the caller's.
    public init(adopting descriptor: Int32, path: String) throws(FileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw FileError("read", path, reason: isFolder ? "it is a folder" : "it is not a regular file")
        }
        let count = Int(status.st_size)
        if count > 0 {
            guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
                throw FileError("map", path)
            }
            bytes = UnsafeRawBufferPointer(start: base, count: count)
        } else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
        close(descriptor)
    }

    /// Asks the system to read these bytes ahead, because all of them will be wanted soon.
    public func prefetch(_ range: Range<Int>) {
        guard let base = bytes.baseAddress, !range.isEmpty else { return }
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "outside the mapping")
        let page = Int(getpagesize())
        let start = range.lowerBound / page * page
        madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_WILLNEED)
    }
}
