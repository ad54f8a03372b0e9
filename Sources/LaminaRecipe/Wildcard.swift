/// Patterns of names: `*` stands for any run of characters, `?` for one; everything else for itself.
public enum Wildcard {
    /// Whether the whole of `text` fits `pattern`; the time is at most the product of both lengths.
    public static func matches(_ pattern: String, _ text: String) -> Bool { captures(pattern, text) != nil }

    /// What each `*` stands for in a text that fits, the first ones as little as can be; nil: the text does not fit.
    public static func captures(_ pattern: String, _ text: String) -> [String]? {
        let (pattern, text) = (Array(pattern.unicodeScalars), Array(text.unicodeScalars))
        var (p, t) = (0, 0)
        // The last star: on a mismatch its run takes one more character.
        var star: Int?
        var runs: [Range<Int>] = []
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                star = p
                runs.append(t..<t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let star, let run = runs.last {
                t = run.upperBound + 1
                runs[runs.count - 1] = run.lowerBound..<t
                p = star + 1
            } else {
                return nil
            }
        }
        guard pattern[p...].allSatisfy({ $0 == "*" }) else { return nil }
        runs += pattern[p...].map { _ in t..<t }
        return runs.map { String(String.UnicodeScalarView(text[$0])) }
    }
}
