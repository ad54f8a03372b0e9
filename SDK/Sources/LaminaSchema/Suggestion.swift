/// Finds what a mistyped word was meant to be.
public enum Suggestion {
    /// The candidate nearest to `word`, or nil when none is near: at most a third of its letters (and one) may be
    /// wrong.
    ///
    /// Among equally near ones the first wins. Case, `-` and `_` count little: `learning-rate` finds `learning_rate`.
    public static func closest<Candidates: Sequence<String>>(to word: String, among candidates: Candidates) -> String? {
        let wanted = normalized(word)
        let limit = max(1, (wanted.count + 1) / 3)
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let distance = distance(wanted, normalized(candidate))
            if distance <= limit, distance < best?.distance ?? .max { best = (distance, candidate) }
        }
        return best?.candidate
    }

    /// "; did you mean 'kernel'?", or nothing: to be put behind an error.
    public static func question<Candidates: Sequence<String>>(for word: String, among candidates: Candidates) -> String
    {
        closest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
    }

    private static func normalized(_ word: String) -> [Unicode.Scalar] {
        word.prefix(64).lowercased().unicodeScalars.map { $0 == "-" ? "_" : $0 }
    }

    /// The fewest insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
    static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            row.reserveCapacity(b.count + 1)
            for j in 1...b.count {
                var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, beforeLast[j - 2] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
