/// Lays buffers with known lifetimes into one block of memory, so that those that live together never overlap.
///
/// Greedy by size: the largest first, each at the lowest offset that is free during its life (Pisarchyk and Lee,
/// "Efficient memory management for deep neural net inference", 2020). Times are inclusive on both ends.
struct ArenaLayout {
    struct Buffer {
        var bytes: Int
        var firstUse: Int
        var lastUse: Int
    }

    static let alignment = 64
    /// Offset of each buffer, in the order given.
    private(set) var offsets: [Int]
    private(set) var totalBytes = 0

    init(_ buffers: [Buffer]) throws(GraphError) {
        // No offset is larger than this sum.
        _ = try ByteCount.sum(buffers.map { Self.rounded($0.bytes) }, "activations")
        offsets = [Int](repeating: 0, count: buffers.count)
        let order = buffers.indices.sorted { (buffers[$1].bytes, $0) < (buffers[$0].bytes, $1) }
        // Kept sorted by offset.
        var placed: [Int] = []
        for index in order where buffers[index].bytes > 0 {
            let buffer = buffers[index]
            var offset = 0
            for other in placed {
                let neighbour = buffers[other]
                if neighbour.lastUse < buffer.firstUse || neighbour.firstUse > buffer.lastUse { continue }
                if offsets[other] >= offset + Self.rounded(buffer.bytes) { break }
                offset = max(offset, offsets[other] + Self.rounded(neighbour.bytes))
            }
            offsets[index] = offset
            totalBytes = max(totalBytes, offset + Self.rounded(buffer.bytes))
            var low = 0
            var high = placed.count
            while low < high {
                let middle = (low + high) / 2
                if offsets[placed[middle]] <= offset { low = middle + 1 } else { high = middle }
            }
            placed.insert(index, at: low)
        }
    }

    static func rounded(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }
}
