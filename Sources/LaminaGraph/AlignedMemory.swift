import Glibc

/// Zeroed memory on 64 bytes that is returned when the object goes. Large blocks ask for huge pages.
public final class AlignedMemory: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let bytes: Int

    public init(bytes: Int, purpose: String) throws(GraphError) {
        self.bytes = max(bytes, 64)
        let protection = PROT_READ | PROT_WRITE
        guard let memory = mmap(nil, self.bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), memory != MAP_FAILED
        else { throw GraphError(.memory, "no memory for \(purpose): \(bytes) bytes wanted") }
        base = memory
        if bytes >= 4 << 20 { madvise(base, self.bytes, 14 /* MADV_HUGEPAGE */) }
    }

    deinit { munmap(base, bytes) }
}
