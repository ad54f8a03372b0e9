/// Offsets of arrays that lie one after the other in one piece of memory, each on a cache line of its own.
struct FloatLayout {
    private(set) var count = 0

    mutating func add(_ floats: Int) -> Int {
        let offset = count
        count += (floats + 15) / 16 * 16
        return offset
    }

    /// At least one line: memory of no bytes has no address.
    var bytes: Int { max(count, 16) * 4 }
}
