import Glibc

/// Words as bytes, numbered in the order of their arrival, and found by open addressing with fingerprints.
final class WordTable {
    /// Longer ones are no words: they are passed over wherever they stand.
    static let longestWord = 255

    private(set) var count = 0
    /// The upper 32 bits of the hash above the number + 1 of the word; 0: free.
    private var slots: UnsafeMutablePointer<UInt64>
    private var mask: Int
    private var pool: UnsafeMutablePointer<UInt8>
    private var poolCapacity = 1 << 16
    /// Where words start in the pool; the next word's start is the end.
    private var starts: UnsafeMutablePointer<Int>
    private var startCapacity = 1 << 12

    init(capacity: Int = 1 << 12) {
        var slotCount = 1 << 13
        while slotCount < capacity * 2 { slotCount *= 2 }
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
        mask = slotCount - 1
        pool = .allocate(capacity: poolCapacity)
        starts = .allocate(capacity: startCapacity)
        starts[0] = 0
    }

    deinit {
        slots.deallocate()
        pool.deallocate()
        starts.deallocate()
    }

    /// FNV-1a, whose high bits choose the fingerprint and, folded, the slot.
    static let hashStart: UInt64 = 0xcbf2_9ce4_8422_2325

    @inline(__always)
    static func hash(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

    static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 { bytes.reduce(hashStart) { hash($0, $1) } }

    @inline(__always)
    private func slot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash ^ (hash >> 29)) & mask }

    /// The number of a word, or -1.
    @inline(__always)
    func find(_ word: UnsafePointer<UInt8>, _ length: Int, _ hash: UInt64) -> Int {
        var slot = slot(hash)
        while true {
            let entry = slots[slot]
            if entry == 0 { return -1 }
            if entry >> 32 == hash >> 32 {
                let index = Int(entry & 0xffff_ffff) &- 1
                let start = starts[index]
                if starts[index &+ 1] &- start == length, memcmp(pool + start, word, length) == 0 { return index }
            }
            slot = (slot &+ 1) & mask
        }
    }

    /// Appends a word that is not there; returns its number.
    func insert(_ word: UnsafePointer<UInt8>, _ length: Int, _ hash: UInt64) -> Int {
        if (count + 1) * 2 > mask { growSlots() }
        if count + 2 > startCapacity { Self.grow(&starts, &startCapacity, keeping: count + 1, wanted: count + 2) }
        let start = starts[count]
        if start + length > poolCapacity { Self.grow(&pool, &poolCapacity, keeping: start, wanted: start + length) }
        memcpy(pool + start, word, length)
        place(hash, count)
        count += 1
        starts[count] = start + length
        return count - 1
    }

    /// The number of a word, appended if it is not there.
    func insert(_ word: UnsafeBufferPointer<UInt8>) -> (index: Int, isNew: Bool) {
        let hash = Self.hash(word)
        let base = word.baseAddress!
        let index = find(base, word.count, hash)
        return index >= 0 ? (index, false) : (insert(base, word.count, hash), true)
    }

    /// The number of a word, or nil.
    func index(of word: String) -> Int? {
        var word = word
        return word.withUTF8 { bytes in
            guard let base = bytes.baseAddress, !bytes.isEmpty else { return nil }
            let index = find(base, bytes.count, Self.hash(bytes))
            return index < 0 ? nil : index
        }
    }

    /// The bytes of a word.
    func word(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: pool + starts[index], count: starts[index + 1] - starts[index])
    }

    subscript(_ index: Int) -> String { String(decoding: word(index), as: UTF8.self) }

    private func place(_ hash: UInt64, _ index: Int) {
        var slot = slot(hash)
        while slots[slot] != 0 { slot = (slot &+ 1) & mask }
        slots[slot] = (hash >> 32) << 32 | UInt64(index + 1)
    }

    private func growSlots() {
        slots.deallocate()
        let slotCount = (mask + 1) * 2
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
        mask = slotCount - 1
        for index in 0..<count { place(Self.hash(word(index)), index) }
    }

    private static func grow<T>(
        _ memory: inout UnsafeMutablePointer<T>, _ capacity: inout Int, keeping: Int, wanted: Int
    ) {
        while capacity < wanted { capacity *= 2 }
        let larger = UnsafeMutablePointer<T>.allocate(capacity: capacity)
        larger.update(from: memory, count: keeping)
        memory.deallocate()
        memory = larger
    }
}
