/// How wide texts get: an estimate on the wide side, since every viewer brings its own sans-serif font.
enum TextWidth {
    /// The width of `text` at font size `size`.
    static func of(_ text: String, size: Double, isBold: Bool = false) -> Double {
        text.reduce(0) { $0 + ems($1) } * size * (isBold ? 1.1 : 1)
    }

    /// `text`, shortened with "…" to at most `width`.
    static func fitted(_ text: String, size: Double, isBold: Bool = false, width: Double) -> String {
        if of(text, size: size, isBold: isBold) <= width { return text }
        var kept = ""
        for character in text {
            if of(kept + "\(character)…", size: size, isBold: isBold) > width { break }
            kept.append(character)
        }
        while kept.hasSuffix(" ") { kept.removeLast() }
        return kept + "…"
    }

    /// The advance of one character, after DejaVu Sans, the widest of the common fonts.
    private static func ems(_ character: Character) -> Double {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar {
        case "i", "j", "l", "|", "'", ".", ",", ":", ";", "!", "I", " ": return 0.34
        case "f", "r", "t", "(", ")", "[", "]", "{", "}", "-", "/", "\\", "\"", "J": return 0.41
        case "m", "w", "M", "W", "@", "%": return 0.98
        case "A"..."Z", "&", "+", "=", "<", ">", "#", "~", "−": return 0.78
        case "…": return 1
        case " "..."~": return 0.635
        case _ where scalar.value < 0x1100: return 0.7
        default: return 1.05
        }
    }
}
