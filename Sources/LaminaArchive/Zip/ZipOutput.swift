import CZip
import Glibc
import LaminaFormats

/// Writes zip files in the canonical form with libzip.
///
/// libzip writes into a source of ours, on a descriptor: its own file source renames without flushing, and deletes the
/// target when no entry remains. It goes back to each local header once the CRC is known, so no data descriptors are
/// needed. The offsets that alignment depends on are computed beforehand (`ZipLayout`), which stored entries allow.
enum ZipOutput {
    /// Writes `entries`, in their order, to the beginning of `descriptor`.
    static func write(
        _ entries: [(name: String, content: ArchiveContent)], to descriptor: Int32, path: String
    ) throws {
        let target = Target(descriptor: descriptor, path: path)
        var error = zip_error_t()
        zip_error_init(&error)
        defer { zip_error_fini(&error) }
        func failure(_ error: inout zip_error_t) -> any Error {
            target.failure
                ?? ArchiveError(.file, "cannot write '\(path)': \(String(cString: zip_error_strerror(&error)))")
        }
        guard let source = zip_source_function_create(Target.callback, target.retainedPointer, &error) else {
            target.release()
            throw failure(&error)
        }
        guard let archive = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error) else {
            zip_source_free(source)
            throw failure(&error)
        }
        var isClosed = false
        defer { if !isClosed { zip_discard(archive) } }

        var offset = 0
        var inputs: [Input] = []
        for (name, content) in entries {
            let input = Input(content)
            inputs.append(input)
            try add(name, input, size: content.size, at: offset, to: archive)
            offset = ZipLayout.dataStart(offset: offset, nameLength: name.utf8.count, size: content.size) + content.size
        }
        if zip_close(archive) != 0 {
            if let failure = inputs.lazy.compactMap(\.failure).first { throw failure }
            throw failure(&zip_get_error(archive).pointee)
        }
        isClosed = true
    }

    private static func add(
        _ name: String, _ input: Input, size: Int, at offset: Int, to archive: OpaquePointer
    ) throws(ArchiveError) {
        func require(_ isDone: Bool) throws(ArchiveError) {
            if !isDone {
                throw ArchiveError(
                    .file, "libzip: \(String(cString: zip_error_strerror(zip_get_error(archive))))", at: name)
            }
        }
        guard let source = zip_source_function(archive, Input.callback, input.retainedPointer) else {
            input.release()
            return try require(false)
        }
        let added = zip_file_add(archive, name, source, zip_flags_t(ZIP_FL_ENC_UTF_8))
        if added < 0 { zip_source_free(source) }
        try require(added >= 0)
        let index = UInt64(added)
        try require(zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) == 0)
        try require(zip_file_set_dostime(archive, index, 0, UInt16(ZipStructure.date), 0) == 0)
        try require(
            zip_file_set_external_attributes(
                archive, index, 0, UInt8(ZIP_OPSYS_UNIX), ZipStructure.regularFile << 16) == 0)
        var padding = [UInt8](
            repeating: 0, count: ZipLayout.paddingLength(offset: offset, nameLength: name.utf8.count, size: size))
        padding[0] = UInt8(ZipLayout.alignment)
        try require(
            zip_file_extra_field_set(
                archive, index, UInt16(ZipLayout.alignmentField), UInt16(ZIP_EXTRA_FIELD_NEW), padding,
                UInt16(padding.count), zip_flags_t(ZIP_FL_LOCAL)) == 0)
    }

    private static func commands(_ list: zip_source_cmd_t...) -> Int64 {
        list.reduce(0) { $0 | 1 << Int64($1.rawValue) }
    }

    /// The file that libzip writes.
    private final class Target {
        let descriptor: Int32
        let path: String
        var position: UInt64 = 0
        var end: UInt64 = 0
        var error = zip_error_t()
        var failure: FileError?

        init(descriptor: Int32, path: String) {
            self.descriptor = descriptor
            self.path = path
            zip_error_init(&error)
        }

        /// One reference that libzip holds until it sends `ZIP_SOURCE_FREE`.
        var retainedPointer: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }
        func release() { Unmanaged.passUnretained(self).release() }

        static let callback: zip_source_callback = { pointer, data, length, command in
            let target = Unmanaged<Target>.fromOpaque(pointer!).takeUnretainedValue()
            if command == ZIP_SOURCE_FREE {
                target.release()
                return 0
            }
            return target.answer(command, data, length)
        }

        private func answer(_ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
            switch command {
            case ZIP_SOURCE_SUPPORTS:
                return commands(
                    ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
                    ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, ZIP_SOURCE_BEGIN_WRITE,
                    ZIP_SOURCE_COMMIT_WRITE, ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE,
                    ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_REMOVE)
            case ZIP_SOURCE_STAT:
                // "Not there yet": the answer that makes libzip begin a new archive.
                zip_error_set(&error, ZIP_ER_READ, ENOENT)
                return -1
            case ZIP_SOURCE_ERROR: return zip_error_to_data(&error, data!, length)
            case ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE, ZIP_SOURCE_ROLLBACK_WRITE: return 0
            case ZIP_SOURCE_WRITE: return write(UnsafeRawBufferPointer(start: data, count: Int(length)))
            case ZIP_SOURCE_TELL_WRITE: return Int64(position)
            case ZIP_SOURCE_SEEK_WRITE:
                let offset = zip_source_seek_compute_offset(position, end, data, length, &error)
                guard offset >= 0 else { return -1 }
                position = UInt64(offset)
                return 0
            default:
                zip_error_set(&error, ZIP_ER_OPNOTSUPP, 0)
                return -1
            }
        }

        private func write(_ bytes: UnsafeRawBufferPointer) -> Int64 {
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest)
                let count = pwrite(descriptor, piece.baseAddress, piece.count, off_t(position))
                if count > 0 {
                    position += UInt64(count)
                    end = max(end, position)
                    rest = rest.dropFirst(count)
                } else if count < 0, errno != EINTR {
                    failure = FileError("write", path)
                    zip_error_set(&error, ZIP_ER_WRITE, errno)
                    return -1
                }
            }
            return Int64(bytes.count)
        }
    }

    /// The content of an entry, as libzip reads it.
    private final class Input {
        let content: ArchiveContent
        var read: ArchiveContent.Reader?
        var error = zip_error_t()
        var failure: (any Error)?

        init(_ content: ArchiveContent) {
            self.content = content
            zip_error_init(&error)
        }

        var retainedPointer: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }
        func release() { Unmanaged.passUnretained(self).release() }

        static let callback: zip_source_callback = { pointer, data, length, command in
            let input = Unmanaged<Input>.fromOpaque(pointer!).takeUnretainedValue()
            if command == ZIP_SOURCE_FREE {
                input.release()
                return 0
            }
            do {
                return try input.answer(command, data, length)
            } catch {
                input.failure = error
                zip_error_set(&input.error, ZIP_ER_READ, 0)
                return -1
            }
        }

        private func answer(
            _ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ length: UInt64
        ) throws -> Int64 {
            switch command {
            case ZIP_SOURCE_SUPPORTS:
                return commands(
                    ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
                    ZIP_SOURCE_FREE, ZIP_SOURCE_SUPPORTS)
            case ZIP_SOURCE_OPEN:
                read = try content.reader()
                return 0
            case ZIP_SOURCE_READ:
                guard length > 0 else { return 0 }
                return Int64(try read!(UnsafeMutableRawBufferPointer(start: data, count: Int(length))))
            case ZIP_SOURCE_CLOSE:
                read = nil
                return 0
            case ZIP_SOURCE_STAT:
                let status = data!.assumingMemoryBound(to: zip_stat_t.self)
                zip_stat_init(status)
                status.pointee.size = UInt64(content.size)
                status.pointee.valid = UInt64(ZIP_STAT_SIZE)
                return Int64(MemoryLayout<zip_stat_t>.size)
            case ZIP_SOURCE_ERROR: return zip_error_to_data(&error, data!, length)
            default:
                zip_error_set(&error, ZIP_ER_OPNOTSUPP, 0)
                return -1
            }
        }
    }
}
