import CLamina
import LaminaSDK

/// Rows of numbers in a text file, after RFC 4180, with a class or a number per row to predict if there is one.
///
/// Fields: "input" float32 [columns]; "label" int64 [] for a class, "target" float32 [1] for a number. Classes are
/// numbered in the order of `classes`, or else sorted (by value when all are integers). Every cell that is used must
/// have a value; errors name line and column. Other files of the model must have the columns of this one, in any order,
/// if its columns have names. Errors: `.file`, `.data`, `.attribute`.
public final class CSVSource: Source {
    public static let name = "csv"
    public static let documentation = "Rows of numbers in a CSV file, with a class or a number to predict."
    public static let suffixes = ["csv"]
    public static let attributes: [AttributeSchema] = [
        .path("path", "The file, UTF-8."),
        .init(
            "header", types: LAMINA_ATTRIBUTE_BOOL | LAMINA_ATTRIBUTE_STRING, defaultJSON: "\"auto\"",
            choices: ["auto"],
            "Whether the first line names the columns; auto: it does when none of its cells is a number."),
        .init(
            "names", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "null", count: 1...(1 << 24),
            "Names of all columns, for files whose first line does not name them."),
        .string("separator", default: ",", "One ASCII character between cells."),
        .init(
            "columns", types: LAMINA_ATTRIBUTE_STRINGS | LAMINA_ATTRIBUTE_INTEGERS, defaultJSON: "null",
            count: 1...(1 << 24),
            "The input columns by name or number (0 is the first, -1 the last); all but the target when left out."),
        .init(
            "target", types: LAMINA_ATTRIBUTE_STRING | LAMINA_ATTRIBUTE_INTEGER, defaultJSON: "null",
            "The column to predict, by name or number (0 is the first, -1 the last)."),
        .string(
            "target_type", default: "class", choices: ["class", "number"],
            "Whether the target is a class (any text) or a number."),
        .init(
            "classes", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "null", count: 1...(1 << 16),
            "The classes in the order of their numbers; what the column holds, sorted, when left out."),
    ]

    private let table: ColumnTable
    public var description: SourceDescription { table.description }

    public init(_ attributes: Attributes, host: Host) throws {
        let path = attributes.string("path")
        let separator = Array(attributes.string("separator").utf8)
        guard separator.count == 1, separator[0] < 0x80, !"\"\r\n\0".utf8.contains(separator[0]) else {
            throw PluginError.attribute("separator must be one ASCII character other than a quote or a line end")
        }
        let isNumber = attributes.string("target_type") == "number"
        let classes = attributes.optionalStrings("classes")
        guard classes == nil || !isNumber else {
            throw PluginError.attribute("classes go with target_type: class, got target_type: number")
        }
        let mapping = try InputFile.map(path)
        let layout = try CSVLayout(
            of: CSVParser(mapping.bytes, separator: separator[0], path: path),
            header: attributes.optionalBool("header"), names: attributes.optionalStrings("names"),
            inputs: attributes.optionalStrings("columns")?.map { .name($0) }
                ?? attributes.optionalIntegers("columns")?.map { .number($0) },
            target: attributes.optionalString("target").map { .name($0) }
                ?? attributes.optionalInteger("target").map { .number($0) }, path: path)
        var rows = try CSVRows(layout, isTargetNumber: isNumber, classes: classes, path: path)
        try rows.readAll()
        table = ColumnTable(rows.columns(), classes: rows.classes, readingJSON: layout.readingJSON, host: host)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try table.read(indices, into: outputs)
    }
}
