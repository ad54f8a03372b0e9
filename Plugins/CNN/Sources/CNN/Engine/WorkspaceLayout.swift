/// Hands out consecutive parts of one block of memory, each on a cache line of its own.
struct WorkspaceLayout {
    private(set) var bytes = 0

    /// The offset of a new part.
    mutating func reserve(_ size: Int) -> Int {
        defer { bytes += (size + 63) / 64 * 64 }
        return bytes
    }
}
