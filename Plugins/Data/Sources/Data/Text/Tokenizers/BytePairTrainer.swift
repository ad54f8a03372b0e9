import LaminaSDK

/// Learns merges: the pair of neighbours that occurs most often becomes one token, again and again.
///
/// Of equally frequent pairs the one with the smaller left id, then right id, is taken. Counts are kept up to date where a merge
/// changes them, and the pieces in which a pair occurs are known, so that a merge costs what it changes.
/// Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with Subword Units, ACL 2016.
struct BytePairTrainer {
    /// The symbols of all pieces, one piece behind the other; a piece gets shorter and keeps its place.
    private var symbols: [Int32] = []
    private var starts: [Int] = []
    private var lengths: [Int32] = []
    /// How often each piece occurs.
    private let weights: [Int]

    /// Pairs by number: their ids, how often they occur, and the pieces in which they do, or did.
    private var numbers = PairTable(minimumCapacity: 1 << 14)
    private var pairs: [(left: Int32, right: Int32)] = []
    private var counts: [Int] = []
    private var places: [[Int32]] = []
    /// Pairs by count; an entry whose count is no longer right is put back when it comes up.
    private var heap = PairHeap()

    /// - Parameters:
    ///   - pieces: with their counts.
    ///   - symbol: the id of each byte.
    init(_ pieces: PieceCounts, symbol: [Int32]) {
        weights = pieces.counts
        for number in 0..<pieces.pieces.count {
            starts.append(symbols.count)
            pieces.pieces.withBytes(number) { bytes in
                for byte in bytes { symbols.append(symbol[Int(byte)]) }
                lengths.append(Int32(bytes.count))
            }
        }
        for piece in starts.indices {
            for index in 0..<max(0, Int(lengths[piece]) - 1) {
                let position = starts[piece] + index
                change(symbols[position], symbols[position + 1], by: weights[piece], in: Int32(piece))
            }
        }
        for number in pairs.indices { heap.push(entry(number)) }
    }

    /// The most frequent pair that occurs at least so often; nil: there is none.
    mutating func next(least: Int) -> (left: Int32, right: Int32)? {
        while let top = heap.pop() {
            let number = Int(numbers.find(top.left, top.right))
            if counts[number] != top.count {
                if counts[number] > 0 { heap.push(entry(number)) }
                continue
            }
            return top.count >= max(least, 1) ? (top.left, top.right) : nil
        }
        return nil
    }

    /// Makes one token of a pair wherever it occurs.
    mutating func merge(_ left: Int32, _ right: Int32, into result: Int32) {
        let number = Int(numbers.find(left, right))
        let pieces = places[number]
        places[number] = []
        var grown: [Int32] = []
        for piece in pieces { merge(left, right, into: result, Int(piece), &grown) }
        counts[number] = 0
        for pair in grown where counts[Int(pair)] > 0 { heap.push(entry(Int(pair))) }
    }

    private mutating func merge(
        _ left: Int32, _ right: Int32, into result: Int32, _ piece: Int, _ grown: inout [Int32]
    ) {
        let (start, length) = (starts[piece], Int(lengths[piece]))
        var (from, to) = (0, 0)
        while from < length {
            let symbol = symbols[start + from]
            guard symbol == left, from + 1 < length, symbols[start + from + 1] == right else {
                symbols[start + to] = symbol
                (from, to) = (from + 1, to + 1)
                continue
            }
            if to > 0 {
                let before = symbols[start + to - 1]
                change(before, left, by: -weights[piece], in: Int32(piece))
                grown.append(change(before, result, by: weights[piece], in: Int32(piece)))
            }
            if from + 2 < length {
                let behind = symbols[start + from + 2]
                change(right, behind, by: -weights[piece], in: Int32(piece))
                grown.append(change(result, behind, by: weights[piece], in: Int32(piece)))
            }
            symbols[start + to] = result
            (from, to) = (from + 2, to + 1)
        }
        lengths[piece] = Int32(to)
    }

    /// Returns the number of the pair.
    @discardableResult
    private mutating func change(_ left: Int32, _ right: Int32, by amount: Int, in piece: Int32) -> Int32 {
        let (number, isNew) = numbers.add(PairTable.key(left, right), Int32(pairs.count))
        if isNew {
            pairs.append((left, right))
            counts.append(0)
            places.append([])
        }
        counts[Int(number)] += amount
        // A piece may stand here twice: the second time, it has no such pair any more.
        if amount > 0, places[Int(number)].last != piece { places[Int(number)].append(piece) }
        return number
    }

    private func entry(_ number: Int) -> PairHeap.Entry {
        .init(count: counts[number], left: pairs[number].left, right: pairs[number].right)
    }
}

/// Pairs, the most frequent one first.
struct PairHeap {
    struct Entry {
        var count: Int
        var left: Int32
        var right: Int32

        func isBefore(_ other: Entry) -> Bool {
            if count != other.count { return count > other.count }
            return PairTable.key(left, right) < PairTable.key(other.left, other.right)
        }
    }

    private var entries: [Entry] = []

    mutating func push(_ entry: Entry) {
        var position = entries.count
        entries.append(entry)
        while position > 0, entry.isBefore(entries[(position - 1) / 2]) {
            entries[position] = entries[(position - 1) / 2]
            position = (position - 1) / 2
        }
        entries[position] = entry
    }

    mutating func pop() -> Entry? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return first }
        var position = 0
        while true {
            var child = 2 * position + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].isBefore(entries[child]) { child += 1 }
            guard entries[child].isBefore(last) else { break }
            entries[position] = entries[child]
            position = child
        }
        entries[position] = last
        return first
    }
}
