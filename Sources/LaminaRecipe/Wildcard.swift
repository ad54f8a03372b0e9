/// Patterns of names: `*` stands for any run of characters, `?` for one; everything else for itself.
public enum Wildcard {
    /// Whether the whole of `text` fits `pattern`; the time is at most the product of both lengths.
    public static func matches(_ pattern: String, _ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.unicodeScalars), Array(text.unicodeScalars))
        var (p, t) = (0, 0)
        // The last star and where its run ends: on a mismatch the run takes one more character.
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                p = last.pattern + 1
                t = last.text + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
