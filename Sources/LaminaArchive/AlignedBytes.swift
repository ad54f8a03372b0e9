import Glibc
import LaminaFormats

/// Memory that begins on the alignment of entry data, filled once and then only read.
final class AlignedBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    /// Allocates `count` bytes and lets `fill` write all of them.
    init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        var base: UnsafeMutableRawPointer?
        guard posix_memalign(&base, ZipLayout.alignment, max(count, 1)) == 0, let base else {
            throw ArchiveError(.limit, "no memory for \(count) bytes")
        }
        do {
            try fill(UnsafeMutableRawBufferPointer(start: base, count: count))
        } catch {
            // `bytes` is not set yet, so `deinit` will not run and free it again.
            free(base)
            throw error
        }
        bytes = UnsafeRawBufferPointer(start: base, count: count)
    }

    convenience init(copying source: UnsafeRawBufferPointer) throws {
        try self.init(count: source.count) { $0.copyMemory(from: source) }
    }

    deinit { free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }
}
