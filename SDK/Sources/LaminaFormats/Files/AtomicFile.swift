import Glibc

/// A new file that takes the place of `path` only when it is complete.
///
/// The bytes go to a file beside the target. `commit` flushes them to the disk, renames the file over the target and
/// flushes the folder: whoever opens the path sees the old file or the new one, whole, whatever happens in between.
/// Without `commit` nothing changes. The new file has no name before `commit` where the file system allows that
/// (`O_TMPFILE`), so that a process killed during a save leaves nothing behind.
public final class AtomicFile {
    /// The file that will be replaced, with symbolic links resolved.
    public let path: String
    /// The new file, open for reading and writing.
    public let descriptor: Int32

    private let folder: String
    private let temporaryPath: String
    private var isNamed: Bool
    private var isOpen = true

    /// Creates the new file beside `path`. Throws `FileError`, also when `path` is there and no regular file.
    public init(replacing path: String) throws(FileError) {
        let target = try Self.target(path)
        let slash = target.lastIndex(of: "/")
        let name = slash.map { target[target.index(after: $0)...] } ?? target[...]
        let folder = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
        let serial = String(UInt64.random(in: 0 ... .max), radix: 36)
        // Cut, because a file name has at most 255 bytes.
        let temporaryPath = "\(folder)/.\(String(decoding: name.utf8.prefix(200), as: UTF8.self)).\(serial).partial"

        self.path = target
        self.folder = folder
        self.temporaryPath = temporaryPath
        let unnamed = open(folder, unnamedFile | O_RDWR | O_CLOEXEC, 0o666)
        if unnamed >= 0, access("/proc/self/fd/\(unnamed)", F_OK) == 0 {
            descriptor = unnamed
            isNamed = false
        } else {
            if unnamed >= 0 { close(unnamed) }
            descriptor = open(temporaryPath, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard descriptor >= 0 else { throw FileError("create", target) }
            isNamed = true
        }
        var status = stat()
        if stat(target, &status) == 0 { fchmod(descriptor, status.st_mode & 0o777) }
    }

    deinit { discard() }

    /// Follows symbolic links, so that the file is replaced and not the link, and refuses devices and folders.
    private static func target(_ path: String) throws(FileError) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return path }
            throw FileError("write", path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError("write", path, reason: "it exists and is not a regular file")
        }
        guard let resolved = realpath(path, nil) else { throw FileError("resolve", path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Appends `bytes` at the file position.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        try FileBytes.write(bytes, to: descriptor, path: path)
    }

    /// Makes the new file durable and puts it in the target's place.
    public func commit() throws(FileError) {
        precondition(isOpen, "committed or discarded already")
        guard fsync(descriptor) == 0 else { throw failure("flush") }
        if !isNamed {
            guard linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, temporaryPath, AT_SYMLINK_FOLLOW) == 0
            else { throw failure("name") }
            isNamed = true
        }
        guard rename(temporaryPath, path) == 0 else { throw failure("replace") }
        isNamed = false
        isOpen = false
        close(descriptor)
        // The rename itself lives in the folder. Some network file systems cannot flush folders; that is no failure.
        let folderDescriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folderDescriptor >= 0 else { return }
        defer { close(folderDescriptor) }
        if fsync(folderDescriptor) != 0, errno == EIO || errno == ENOSPC { throw FileError("flush", folder) }
    }

    /// Removes the new file and leaves the target as it is. Does nothing after `commit`.
    public func discard() {
        guard isOpen else { return }
        isOpen = false
        if isNamed { unlink(temporaryPath) }
        close(descriptor)
    }

    private func failure(_ operation: String) -> FileError { FileError(operation, path) }

}

/// Linux's `O_TMPFILE`, a macro that Swift does not import.
private let unnamedFile: Int32 = 0o20000000 | O_DIRECTORY

/// Whole writes to a descriptor.
public enum FileBytes {
    /// Writes all of `bytes` at the position of `descriptor`, through interruptions and short writes.
    public static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
    ) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // Linux writes at most 0x7ffff000 bytes per call; smaller pieces also keep an interrupt responsive.
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(64 << 20))
            let count = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno != EINTR {
                throw FileError("write", path)
            }
        }
    }
}
