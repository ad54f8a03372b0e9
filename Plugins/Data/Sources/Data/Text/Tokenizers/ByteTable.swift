/// Byte strings with a number each, found by hashing: words of a corpus, tokens of a vocabulary.
///
/// A `Dictionary` keyed by `String` would take "é" (one scalar) and "é" (two) for the same token, and ask for memory per
/// lookup.
struct ByteTable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// Numbers of strings, or -1; a power of two of them.
    private var slots: [Int32]
    private var mask: Int

    init(minimumCapacity: Int = 16) {
        var size = 32
        while size < 2 * minimumCapacity { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
        mask = size - 1
    }

    var count: Int { ends.count }

    /// FNV-1a, 64 bits. Buckets of archives depend on it: it never changes.
    static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }

    func range(_ number: Int) -> Range<Int> { (number == 0 ? 0 : ends[number - 1])..<ends[number] }

    func withBytes<Result>(_ number: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        let range = range(number)
        return try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    subscript(_ number: Int) -> ArraySlice<UInt8> { bytes[range(number)] }

    /// The number of a string that is there.
    func find(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        let slot = slot(text)
        return slots[slot] < 0 ? nil : Int(slots[slot])
    }

    /// The number of a string, which is added at the end if it is new.
    mutating func add(_ text: UnsafeBufferPointer<UInt8>) -> (number: Int, isNew: Bool) {
        let slot = slot(text)
        if slots[slot] >= 0 { return (Int(slots[slot]), false) }
        let number = ends.count
        slots[slot] = Int32(number)
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        if 2 * ends.count > slots.count { grow() }
        return (number, true)
    }

    mutating func add(_ text: String) -> (number: Int, isNew: Bool) {
        var text = text
        return text.withUTF8 { add($0) }
    }

    func find(_ text: String) -> Int? {
        var text = text
        return text.withUTF8 { find($0) }
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = -1 }
    }

    private func slot(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        let hash = Self.hash(text)
        // The low bits of FNV are the weaker ones.
        var slot = Int(truncatingIfNeeded: hash ^ (hash >> 29)) & mask
        while slots[slot] >= 0, !isEqual(Int(slots[slot]), text) { slot = (slot + 1) & mask }
        return slot
    }

    private func isEqual(_ number: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let range = range(number)
        guard range.count == text.count else { return false }
        for offset in 0..<text.count where bytes[range.lowerBound + offset] != text[offset] { return false }
        return true
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: 2 * slots.count)
        mask = slots.count - 1
        for number in ends.indices {
            let slot = withBytes(number) { self.slot($0) }
            slots[slot] = Int32(number)
        }
    }
}
