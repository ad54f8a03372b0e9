import LaminaFormats
import LaminaSDK

/// The lines of a text file as samples, or the whole file as one.
///
/// Text field: "text". Lines end in LF or CRLF, which are left out; blank ones are passed over. A byte-order mark is left
/// out. Errors: `.file`, and `.data` for what is not UTF-8, with the line.
final class TextFileSource: Source {
    static let name = "text_file"
    static let documentation = "A text file, UTF-8: each line is a sample, or the whole file is one."
    static let suffixes = ["txt"]
    static let attributes: [AttributeSchema] = [
        .path("path", "The file."),
        .string(
            "unit", default: "line", choices: ["line", "file"],
            "Whether a line or the whole file is a sample; blank lines are passed over."),
    ]

    let description: SourceDescription
    private let mapping: FileMapping
    private let text: UnsafeBufferPointer<UInt8>
    private var column = TextColumn("text")

    init(_ attributes: Attributes, host: Host) throws {
        let path = attributes.string("path")
        mapping = try InputFile.map(path)
        text = mapping.bytes.bindMemory(to: UInt8.self)
        try text.checkText(path)
        let start = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if attributes.string("unit") == "line" {
            var begin = start
            while begin < text.count {
                let end = text[begin...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
                let isCR = end > begin && text[end - 1] == UInt8(ascii: "\r")
                let line = begin..<(isCR ? end - 1 : end)
                if text[line].contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) {
                    column.append(line)
                }
                begin = end + 1
            }
        } else {
            column.append(start..<text.count)
        }
        guard column.count > 0 else { throw PluginError.data("'\(path)' holds no text: all lines are blank") }
        var fingerprint = Fingerprint()
        fingerprint.add(attributes.string("unit"))
        fingerprint.add(mapping.bytes, host: host)
        description = SourceDescription(
            count: column.count, fields: [], textFields: [column.name], fingerprint: fingerprint.finish())
    }

    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {}

    func readText(
        _ field: Int, _ indices: UnsafeBufferPointer<Int64>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        try checkIndices(indices, count: column.count)
        try column.read(indices, in: text, body)
    }
}
