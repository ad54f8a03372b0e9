import Glibc
import LaminaFormats
import LaminaSDK

/// Opening of the files that a recipe names; every failure names the file.
enum InputFile {
    /// Maps a regular file that is not empty.
    static func map(_ path: String) throws(PluginError) -> FileMapping {
        let mapping: FileMapping
        do {
            mapping = try FileMapping(path: path)
        } catch {
            throw .file("\(error)")
        }
        guard !mapping.bytes.isEmpty else { throw .data("'\(path)' is empty") }
        return mapping
    }

    /// Reads a regular file whole. For many small files, where a mapping costs more than a copy.
    static func read(_ path: String) throws(PluginError) -> FileBytesBuffer {
        // Non-blocking, so that a FIFO is refused below instead of being waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .file("\(FileError("open", path))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .file("\(FileError("examine", path))") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .file("cannot read '\(path)': it is not a regular file")
        }
        let buffer = try FileBytesBuffer(count: Int(status.st_size), path: path)
        var filled = 0
        while filled < buffer.count {
            let count = Glibc.read(descriptor, buffer.bytes + filled, buffer.count - filled)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .file(
                    count < 0
                        ? "\(FileError("read", path))" : "cannot read '\(path)': it shrank while it was being read")
            }
            filled += count
        }
        return buffer
    }
}

/// The bytes of a file in memory of their own.
struct FileBytesBuffer: ~Copyable {
    let bytes: UnsafeMutableRawPointer
    let count: Int

    init(count: Int, path: String) throws(PluginError) {
        guard let memory = malloc(max(count, 1)) else {
            throw .memory("no memory for the \(count) bytes of '\(path)'")
        }
        bytes = memory
        self.count = count
    }

    deinit { free(bytes) }
}

/// Memory that several columns may point into; freed with the last of them.
final class OwnedBytes {
    let bytes: UnsafeMutableRawBufferPointer

    /// Uninitialised memory, aligned for every element type.
    init(count: Int, for purpose: @autoclosure () -> String) throws(PluginError) {
        guard let memory = malloc(max(count, 1)) else { throw .memory("no memory for \(count) bytes of \(purpose())") }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
    }

    deinit { free(bytes.baseAddress) }
}
