/// Blocks of `lamina_host.scratch`, one valid block per thread. A block that a newer one replaces is poisoned and kept
/// until the call ends, so that its use shows.
struct ScratchMemory {
    private var current: [UInt: GuardedMemory] = [:]
    private var replaced: [GuardedMemory] = []
    /// The largest block since the last `release`.
    private(set) var largest = 0

    mutating func allocate(_ bytes: Int, thread: UInt) -> UnsafeMutableRawPointer {
        if let old = current[thread] {
            if old.damage == nil { old.poison() }
            replaced.append(old)
        }
        let block = GuardedMemory(bytes: bytes, name: "the scratch memory")
        current[thread] = block
        largest = max(largest, bytes)
        return block.bytes
    }

    /// Frees all blocks; returns what was written beside them.
    mutating func release() -> [String] {
        let damage = (replaced + current.values).compactMap(\.damage)
        self = ScratchMemory()
        return damage
    }
}
