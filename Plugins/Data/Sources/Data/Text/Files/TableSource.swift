import CLamina
import LaminaFormats
import LaminaSDK

/// Rows of texts in a CSV or TSV file, with a class or a number per row if there is one.
///
/// Each text column is a text field of its name; "label" int64 [] is the class, "target" float32 [1] the number.
/// Classes are numbered as in `CSVSource`. With `quotes`, cells follow RFC 4180; without, a cell is what stands between two
/// separators of a line, as in most TSV files. A cell without text is an error. Errors: `.file`, `.attribute`, and `.data` with
/// line and column.
final class TableSource: Source {
    static let name = "table"
    static let documentation = "Rows of texts in a CSV or TSV file, with a class or a number to predict."
    static let suffixes = ["tsv", "csv"]
    static let attributes: [AttributeSchema] = [
        .path("path", "The file, UTF-8."),
        .init(
            "text", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "null", count: 1...4096,
            "The columns that are texts, by name; all but label and target when left out."),
        .init("label", types: LAMINA_ATTRIBUTE_STRING, defaultJSON: "null", "The column with the class, by name."),
        .init(
            "target", types: LAMINA_ATTRIBUTE_STRING, defaultJSON: "null",
            "The column with a number to predict, by name."),
        .init(
            "classes", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "null", count: 1...(1 << 16),
            "The classes in the order of their numbers; what the column holds, sorted, when left out."),
        .init(
            "names", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "null", count: 1...4096,
            "Names of all columns, for files whose first line does not name them."),
        .init(
            "separator", types: LAMINA_ATTRIBUTE_STRING, defaultJSON: "null",
            "One ASCII character between cells; when left out a tab in files that end in .tsv, a comma in others."),
        .init(
            "quotes", types: LAMINA_ATTRIBUTE_BOOL, defaultJSON: "null",
            "Whether cells may be quoted; when left out, they may unless the separator is a tab."),
    ]

    let description: SourceDescription
    private let mapping: FileMapping
    private let table: TextTable

    init(_ attributes: Attributes, host: Host) throws {
        let path = attributes.string("path")
        let given = attributes.optionalString("separator") ?? (path.lowercased().hasSuffix(".tsv") ? "\t" : ",")
        let separator = Array(given.utf8)
        guard separator.count == 1, separator[0] < 0x80, !"\"\r\n\0".utf8.contains(separator[0]) else {
            throw PluginError.attribute("separator must be one ASCII character other than a quote or a line end")
        }
        let (label, target) = (attributes.optionalString("label"), attributes.optionalString("target"))
        guard label == nil || target == nil else {
            throw PluginError.attribute("label and target are two things to predict; give one of them")
        }
        let classes = attributes.optionalStrings("classes")
        guard classes == nil || label != nil else { throw PluginError.attribute("classes go with label") }
        mapping = try InputFile.map(path)
        let isQuoted = attributes.optionalBool("quotes") ?? (separator[0] != UInt8(ascii: "\t"))
        let rows = try CSVParser(mapping.bytes, separator: separator[0], isQuoted: isQuoted, path: path)
        table = try TextTable(
            rows, names: attributes.optionalStrings("names"), texts: attributes.optionalStrings("text"),
            label: label, target: target, classes: classes, path: path)
        // The bytes tell the cells; the rest is what the recipe makes of them.
        var fingerprint = Fingerprint()
        for column in table.texts { fingerprint.add(column.name) }
        fingerprint.add(label ?? "")
        fingerprint.add(target ?? "")
        for name in table.classes + (attributes.optionalStrings("names") ?? []) { fingerprint.add(name) }
        fingerprint.add(Int(separator[0]))
        fingerprint.add(isQuoted ? 1 : 0)
        fingerprint.add(mapping.bytes, host: host)
        description = SourceDescription(
            count: table.count, fields: table.column.map { [$0.field] } ?? [], textFields: table.texts.map(\.name),
            classes: table.classes, fingerprint: fingerprint.finish())
        self.host = host
    }

    private let host: Host

    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try checkIndices(indices, count: table.count)
        table.column?.gather(indices, into: outputs[0], host: host)
    }

    func readText(
        _ field: Int, _ indices: UnsafeBufferPointer<Int64>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        try checkIndices(indices, count: table.count)
        try table.texts[field].read(indices, in: mapping.bytes.bindMemory(to: UInt8.self), body)
    }
}
