/// Byte-pair encoding of one piece at a time: its characters, or bytes, joined in the order of the merges.
///
/// Of all neighbours that have a merge, the one that was learned first is joined first, the leftmost of several. Pieces
/// that occurred before are taken from memory. Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with
/// Subword Units, ACL 2016.
final class PairMerger {
    private let ranks: PairTable
    /// What a merge gives, by rank.
    private let results: [Int32]
    /// By byte; empty when characters are scalars.
    private let byteIDs: [Int32]
    private let table: ByteTable
    private let excluded: Set<Int>
    private let unknown: Int32?

    private var known = ByteTable()
    private var knownIDs: [Int32] = []
    private var knownEnds: [Int] = []
    /// Longer pieces occur once.
    private static let longestKnown = 64
    private static let knownLimit = 1 << 17

    private var ids: [Int32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap: [UInt64] = []

    init(_ file: TokenizerFile, _ merges: [TokenizerFile.Merge], _ table: ByteTable) {
        var ranks = PairTable(minimumCapacity: merges.count)
        for (rank, merge) in merges.enumerated() {
            _ = ranks.add(PairTable.key(merge.left, merge.right), Int32(rank))
        }
        self.ranks = ranks
        results = merges.map(\.result)
        self.table = table
        excluded = file.specials
        unknown = file.unknown.map { Int32($0) }
        byteIDs =
            file.splitting == .byteLevel
            ? (0..<256).map { Int32(table.find(ByteAlphabet.text([UInt8($0)]))!) } : []
    }

    /// Appends the ids of a piece; false when a character is unknown and nothing stands for that.
    func encode(_ piece: UnsafeBufferPointer<UInt8>, into out: inout [Int64]) -> Bool {
        let isShort = piece.count <= Self.longestKnown
        if isShort, let number = known.find(piece) {
            for index in (number == 0 ? 0 : knownEnds[number - 1])..<knownEnds[number] {
                out.append(Int64(knownIDs[index]))
            }
            return true
        }
        guard begin(piece) else { return false }
        if ids.count > 1, !results.isEmpty { merge() }
        if isShort {
            if known.count >= Self.knownLimit {
                known.removeAll()
                knownIDs.removeAll(keepingCapacity: true)
                knownEnds.removeAll(keepingCapacity: true)
            }
            _ = known.add(piece)
            knownIDs += ids
            knownEnds.append(knownIDs.count)
        }
        for id in ids { out.append(Int64(id)) }
        return true
    }

    /// Fills `ids` with those of the characters.
    private func begin(_ piece: UnsafeBufferPointer<UInt8>) -> Bool {
        ids.removeAll(keepingCapacity: true)
        if !byteIDs.isEmpty {
            for byte in piece { ids.append(byteIDs[Int(byte)]) }
            return true
        }
        var position = 0
        while position < piece.count {
            let scalar = TextScalar(piece, at: position)
            let character = UnsafeBufferPointer(rebasing: piece[position..<position + scalar.length])
            if scalar.scalar != nil, let id = table.find(character), !excluded.contains(id) {
                ids.append(Int32(id))
            } else if let unknown {
                ids.append(unknown)
            } else {
                return false
            }
            position += scalar.length
        }
        return true
    }

    /// Joins neighbours until no merge fits. Candidates wait in a heap by rank, then place; those that a merge has made
    /// void are recognised when they come up.
    private func merge() {
        let count = ids.count
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        for index in 0..<count {
            next.append(Int32(index + 1))
            previous.append(Int32(index - 1))
        }
        heap.removeAll(keepingCapacity: true)
        for index in 0..<count - 1 { offer(index, index + 1) }
        while let candidate = pop() {
            let rank = Int32(truncatingIfNeeded: candidate >> 32)
            let left = Int(UInt32(truncatingIfNeeded: candidate))
            guard ids[left] >= 0 else { continue }
            let right = Int(next[left])
            guard right < count, ranks.find(ids[left], ids[right]) == rank else { continue }
            ids[left] = results[Int(rank)]
            ids[right] = -1
            next[left] = next[right]
            if Int(next[left]) < count {
                previous[Int(next[left])] = Int32(left)
                offer(left, Int(next[left]))
            }
            if previous[left] >= 0 { offer(Int(previous[left]), left) }
        }
        ids.removeAll { $0 < 0 }
    }

    private func offer(_ left: Int, _ right: Int) {
        let rank = ranks.find(ids[left], ids[right])
        guard rank >= 0 else { return }
        var position = heap.count
        let value = UInt64(rank) << 32 | UInt64(left)
        heap.append(value)
        while position > 0, heap[(position - 1) / 2] > value {
            heap[position] = heap[(position - 1) / 2]
            position = (position - 1) / 2
        }
        heap[position] = value
    }

    private func pop() -> UInt64? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        var position = 0
        while true {
            var child = 2 * position + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < last else { break }
            heap[position] = heap[child]
            position = child
        }
        heap[position] = last
        return first
    }
}
