/// Words of a vocabulary that are spelt like an unknown one.
enum Spelling {
    /// At most three, nearest first, of equally near ones the most frequent; none if more than a third of the letters
    /// would have to change.
    static func nearest(to word: String, in words: WordTable) -> [String] {
        let wanted = Array(word.lowercased().unicodeScalars.prefix(64))
        let limit = max(1, (wanted.count + 1) / 3)
        var best: [(distance: Int, index: Int)] = []
        // A word of n letters has n to 4 n bytes, which rules most of them out at once.
        for index in 0..<words.count {
            let bytes = words.word(index).count
            guard bytes + limit >= wanted.count, bytes <= 4 * (wanted.count + limit) else { continue }
            let candidate = Array(words[index].lowercased().unicodeScalars)
            let worst = best.count == 3 ? best[2].distance - 1 : limit
            guard worst >= 0, abs(candidate.count - wanted.count) <= worst else { continue }
            let distance = distance(wanted, candidate, atMost: worst)
            guard distance <= worst else { continue }
            let position = best.firstIndex { $0.distance > distance } ?? best.count
            best.insert((distance, index), at: position)
            if best.count > 3 { best.removeLast() }
        }
        return best.map { words[$0.index] }
    }

    /// Insertions, deletions and replacements that turn a into b, or more than `limit`.
    static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar], atMost limit: Int) -> Int {
        var last = Array(0...b.count)
        var row = last
        for i in 0..<a.count {
            row[0] = i + 1
            var least = row[0]
            for j in 0..<b.count {
                row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                least = min(least, row[j + 1])
            }
            if least > limit { return least }
            swap(&last, &row)
        }
        return last[b.count]
    }
}
