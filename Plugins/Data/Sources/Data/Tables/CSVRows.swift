import LaminaSDK

/// The values of a CSV file's used columns, read line by line.
struct CSVRows {
    private let layout: CSVLayout
    private let path: String
    private let isTargetNumber: Bool
    private let inputs: GrowingArray<Float>
    private let numbers: GrowingArray<Float>
    private let labels: GrowingArray<Int64>
    private var count = 0
    private var classNumbers: ClassNumbers
    /// Names of the classes in the order of their numbers.
    var classes: [String] { classNumbers.names }

    init(
        _ layout: CSVLayout, isTargetNumber: Bool, classes: [String]?, path: String
    ) throws(PluginError) {
        self.layout = layout
        self.path = path
        self.isTargetNumber = isTargetNumber
        classNumbers = try ClassNumbers(classes)
        inputs = GrowingArray(path)
        numbers = GrowingArray(path)
        labels = GrowingArray(path)
    }

    mutating func readAll() throws(PluginError) {
        var parser = layout.parser
        var cells: [CSVParser.Cell] = []
        while try parser.next(into: &cells) {
            guard cells.count == layout.width else {
                throw .data(
                    "'\(path)', line \(parser.line): it has \(cells.count) cells, wanted \(layout.width) as on the "
                        + "first line")
            }
            for column in layout.inputs { try inputs.append(number(cells[column], column, parser)) }
            if let target = layout.target {
                if isTargetNumber {
                    try numbers.append(number(cells[target], target, parser))
                } else {
                    try labels.append(label(cells[target], target, parser))
                }
            }
            count += 1
        }
        guard count > 0 else { throw .data("'\(path)' has a header and no rows") }
        if let newNumber = classNumbers.sorted() {
            for row in 0..<labels.count { labels[row] = newNumber[Int(labels[row])] }
        }
    }

    /// The fields: the input, then the label or target if there is one.
    func columns() -> [Column] {
        let input = inputs.column("input", .float32, [layout.inputs.count], .float32, count: count)
        guard layout.target != nil else { return [input] }
        return isTargetNumber
            ? [input, numbers.column("target", .float32, [1], .float32, count: count)]
            : [input, labels.column("label", .int64, [], .int64, count: count)]
    }

    private func number(
        _ cell: CSVParser.Cell, _ column: Int, _ parser: CSVParser
    ) throws(PluginError) -> Float {
        let text = parser.trimmed(cell)
        if let value = DecimalNumber.parse(text) { return value }
        let got = text.isEmpty ? "no value" : parser.shown(cell)
        throw .data("\(place(column, parser)): got \(got), wanted a finite number")
    }

    private mutating func label(
        _ cell: CSVParser.Cell, _ column: Int, _ parser: CSVParser
    ) throws(PluginError) -> Int64 {
        do throws(ClassNumbers.Fault) {
            return try classNumbers.number(parser.string(cell))
        } catch {
            throw .data("\(place(column, parser)): \(error.text(parser.shown(cell)))")
        }
    }

    private func place(_ column: Int, _ parser: CSVParser) -> String {
        "'\(path)', line \(parser.line), \(layout.label(column))"
    }
}
