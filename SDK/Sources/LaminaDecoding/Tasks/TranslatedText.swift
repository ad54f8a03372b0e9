import LaminaFormats
import LaminaSDK

/// A text to translate, perhaps with the answer that is expected.
struct TranslatedText {
    var source: String
    var expected: String?

    /// A text per line, and behind a tab its answer. Throws `.file` or `.data`.
    static func read(_ path: String) throws -> [TranslatedText] {
        var texts: [TranslatedText] = []
        do {
            try FileMapping(path: path).forEachLine { number, line in
                // Blank lines are no texts.
                guard line.contains(where: { !$0.isWhitespace }) else { return }
                let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard parts.count <= 2 else {
                    throw PluginError.data("\(path), line \(number): wanted a text, or a text, a tab and its answer")
                }
                guard parts[0].contains(where: { !$0.isWhitespace }) else {
                    throw PluginError.data("\(path), line \(number): there is no text before the tab")
                }
                texts.append(
                    TranslatedText(source: String(parts[0]), expected: parts.count == 2 ? String(parts[1]) : nil))
            }
        } catch let error as FileError {
            throw PluginError.file("\(error)")
        }
        return texts
    }
}
