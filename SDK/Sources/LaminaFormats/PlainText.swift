/// Texts that are printed: names of models and classes, meanings, versions.
public enum PlainText {
    /// The first character that must not be printed, as "U+9"; nil: there is none.
    ///
    /// Control characters, and those that reorder text: what a file says must not be able to write on the terminal what
    /// is not there.
    public static func fault(in text: String) -> String? {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069:
                return "U+" + String(scalar.value, radix: 16, uppercase: true)
            default: continue
            }
        }
        return nil
    }
}
