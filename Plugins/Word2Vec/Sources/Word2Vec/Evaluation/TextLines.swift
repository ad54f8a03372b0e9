import LaminaFormats
import LaminaSDK

/// The lines of a small text file.
struct TextLines {
    let path: String
    let lines: [Substring]

    /// Throws `.file` or `.data` with the path. Files above 64 MiB are no lists of questions.
    init(path: String) throws {
        self.path = path
        let mapping: FileMapping
        do {
            mapping = try FileMapping(path: path)
        } catch {
            throw PluginError.file("\(error)")
        }
        defer { withExtendedLifetime(mapping) {} }
        guard mapping.bytes.count <= 64 << 20 else {
            throw PluginError.data("'\(path)' has \(mapping.bytes.count >> 20) MiB: wanted a list of at most 64 MiB")
        }
        let hasMark = mapping.bytes.starts(with: Corpus.byteOrderMark)
        let bytes = mapping.bytes.dropFirst(hasMark ? Corpus.byteOrderMark.count : 0)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw PluginError.data("'\(path)' is not UTF-8")
        }
        // "\r\n" is one character.
        lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    }

    func fault(_ line: Int, _ text: String) -> PluginError { .data("\(path):\(line + 1): \(text)") }
}
