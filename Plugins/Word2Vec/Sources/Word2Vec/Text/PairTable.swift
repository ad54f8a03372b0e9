/// Numbers by pairs of word numbers, by open addressing.
final class PairTable {
    private(set) var count = 0
    /// The first word's number + 1 above the second's + 1; 0: free.
    private var keys: UnsafeMutablePointer<UInt64>
    private var values: UnsafeMutablePointer<Int32>
    private var bits: Int

    init(bits: Int = 12) {
        self.bits = bits
        (keys, values) = Self.memory(bits)
    }

    deinit {
        keys.deallocate()
        values.deallocate()
    }

    private static func memory(_ bits: Int) -> (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<Int32>) {
        let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: 1 << bits)
        keys.initialize(repeating: 0, count: 1 << bits)
        return (keys, .allocate(capacity: 1 << bits))
    }

    /// Where the pair is, or would be.
    @inline(__always)
    private func slot(_ key: UInt64) -> Int {
        // Fibonacci hashing: the product's high bits.
        var slot = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> UInt64(64 - bits))
        while keys[slot] != 0 && keys[slot] != key { slot = (slot &+ 1) & (1 << bits &- 1) }
        return slot
    }

    @inline(__always)
    private static func key(_ first: Int, _ second: Int) -> UInt64 {
        UInt64(truncatingIfNeeded: first &+ 1) << 32 | UInt64(truncatingIfNeeded: second &+ 1)
    }

    /// The number of a pair, or nil.
    @inline(__always)
    func find(_ first: Int, _ second: Int) -> Int? {
        let slot = slot(Self.key(first, second))
        return keys[slot] == 0 ? nil : Int(values[slot])
    }

    func set(_ first: Int, _ second: Int, _ value: Int) { insert(Self.key(first, second), Int32(value)) }

    /// Adds 1 to the number of a pair, which is 0 at first and stays at 2³¹ - 1.
    func increment(_ first: Int, _ second: Int) {
        let key = Self.key(first, second)
        let slot = slot(key)
        if keys[slot] == 0 {
            insert(key, 1)
        } else if values[slot] < .max {
            values[slot] &+= 1
        }
    }

    private func insert(_ key: UInt64, _ value: Int32) {
        var slot = slot(key)
        if keys[slot] == 0 {
            if (count + 1) * 3 > 2 << bits {
                rebuild(bits: bits + 1) { _ in true }
                slot = self.slot(key)
            }
            count += 1
            keys[slot] = key
        }
        values[slot] = value
    }

    /// Forgets pairs whose number is at most `limit`.
    func prune(_ limit: Int) { rebuild(bits: bits) { $0 > limit } }

    private func rebuild(bits newBits: Int, keeping: (Int) -> Bool) {
        let (oldKeys, oldValues, oldBits) = (keys, values, bits)
        bits = newBits
        (keys, values) = Self.memory(newBits)
        count = 0
        for old in 0..<1 << oldBits where oldKeys[old] != 0 && keeping(Int(oldValues[old])) {
            let slot = slot(oldKeys[old])
            (keys[slot], values[slot]) = (oldKeys[old], oldValues[old])
            count += 1
        }
        oldKeys.deallocate()
        oldValues.deallocate()
    }

    /// All pairs, in no particular order.
    func forEach(_ body: (_ first: Int, _ second: Int, _ value: Int) -> Void) {
        for slot in 0..<1 << bits where keys[slot] != 0 {
            body(Int(keys[slot] >> 32) - 1, Int(keys[slot] & 0xffff_ffff) - 1, Int(values[slot]))
        }
    }
}
