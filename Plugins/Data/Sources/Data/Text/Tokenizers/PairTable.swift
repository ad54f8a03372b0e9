/// Numbers by pairs of ids, found by hashing: the ranks of merges, the pairs of a corpus.
struct PairTable {
    private var keys: [UInt64]
    private var values: [Int32]
    private var count = 0
    private var mask: Int
    private static let empty = UInt64.max

    init(minimumCapacity: Int = 16) {
        var size = 32
        while size < 2 * minimumCapacity { size *= 2 }
        keys = [UInt64](repeating: Self.empty, count: size)
        values = [Int32](repeating: -1, count: size)
        mask = size - 1
    }

    /// Ids are not negative, so no pair is `empty`.
    @inline(__always)
    static func key(_ left: Int32, _ right: Int32) -> UInt64 { UInt64(UInt32(left)) << 32 | UInt64(UInt32(right)) }

    @inline(__always)
    private func slot(_ key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 24) & mask
        while keys[slot] != key, keys[slot] != Self.empty { slot = (slot + 1) & mask }
        return slot
    }

    /// -1: there is none.
    @inline(__always)
    func find(_ left: Int32, _ right: Int32) -> Int32 { values[slot(Self.key(left, right))] }

    /// The value of a pair, which is set to `value` if the pair is new.
    mutating func add(_ key: UInt64, _ value: Int32) -> (value: Int32, isNew: Bool) {
        let slot = slot(key)
        if keys[slot] == key { return (values[slot], false) }
        (keys[slot], values[slot]) = (key, value)
        count += 1
        if 2 * count > keys.count { grow() }
        return (value, true)
    }

    private mutating func grow() {
        let (oldKeys, oldValues) = (keys, values)
        keys = [UInt64](repeating: Self.empty, count: 2 * oldKeys.count)
        values = [Int32](repeating: -1, count: keys.count)
        mask = keys.count - 1
        for (key, value) in zip(oldKeys, oldValues) where key != Self.empty {
            let slot = slot(key)
            (keys[slot], values[slot]) = (key, value)
        }
    }
}
