import CZip
import LaminaFormats

/// libzip as a second reader of bytes that `ZipStructure` has checked.
struct LibZip: ~Copyable {
    private let archive: OpaquePointer

    /// Opens the zip file in `bytes`, which must stay alive. Throws `ArchiveError`.
    init(bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        var error = zip_error_t()
        zip_error_init(&error)
        defer { zip_error_fini(&error) }
        guard let source = zip_source_buffer_create(bytes.baseAddress, UInt64(bytes.count), 0, &error) else {
            throw ArchiveError(.structure, "libzip: \(String(cString: zip_error_strerror(&error)))")
        }
        guard let archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) else {
            zip_source_free(source)
            throw ArchiveError(.structure, "libzip: \(String(cString: zip_error_strerror(&error)))")
        }
        self.archive = archive
    }

    deinit { zip_discard(archive) }

    /// Whether libzip sees the entries that our check saw, with the same names, sizes and checksums.
    func check(_ entries: [ZipEntry]) throws(ArchiveError) {
        // In the tolerant form folder entries are left out, so libzip may count more.
        guard zip_get_num_entries(archive, 0) >= entries.count else {
            throw ArchiveError(
                .structure, "libzip sees \(zip_get_num_entries(archive, 0)) entries, not \(entries.count)")
        }
        for entry in entries {
            var status = zip_stat_t()
            zip_stat_init(&status)
            guard zip_stat_index(archive, UInt64(entry.position), zip_flags_t(ZIP_FL_ENC_RAW), &status) == 0,
                let name = status.name, String(cString: name) == entry.name, status.size == UInt64(entry.size),
                status.crc == entry.crc, status.comp_size == UInt64(entry.data.count),
                status.comp_method == (entry.isDeflated ? 8 : 0)
            else {
                throw ArchiveError(
                    .structure, "libzip reads another header than the one that was checked", at: entry.name)
            }
        }
    }

    /// The content of a deflated entry. Exactly its declared size is allocated, read, and required.
    func inflate(_ entry: ZipEntry) throws -> AlignedBytes {
        guard let file = zip_fopen_index(archive, UInt64(entry.position), 0) else {
            throw ArchiveError(
                .content, "libzip: \(String(cString: zip_error_strerror(zip_get_error(archive))))", at: entry.name)
        }
        defer { zip_fclose(file) }
        return try AlignedBytes(count: entry.size) { buffer in
            var filled = 0
            while filled < buffer.count {
                let count = zip_fread(file, buffer.baseAddress! + filled, UInt64(buffer.count - filled))
                guard count > 0 else {
                    throw ArchiveError(
                        .content, "inflates to fewer than its \(buffer.count) bytes, or is damaged", at: entry.name)
                }
                filled += Int(count)
            }
            // One byte more than declared is asked for: a bomb shows itself here, and libzip checks the CRC at the end.
            var extra: UInt8 = 0
            guard zip_fread(file, &extra, 1) == 0 else {
                throw ArchiveError(
                    .content, "inflates to more than its \(buffer.count) bytes, or is damaged", at: entry.name)
            }
        }
    }
}
