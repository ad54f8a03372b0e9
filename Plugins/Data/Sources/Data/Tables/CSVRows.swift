import LaminaSDK

/// The values of a CSV file's used columns, read line by line.
struct CSVRows {
    private let layout: CSVLayout
    private let path: String
    private let isTargetNumber: Bool
    private let hasGivenClasses: Bool
    private let inputs: GrowingArray<Float>
    private let numbers: GrowingArray<Float>
    private let labels: GrowingArray<Int64>
    private var count = 0
    /// Names of the classes in the order of their numbers.
    private(set) var classes: [String]
    private var numberOfClass: [String: Int64] = [:]

    /// More are taken for a mistake: a column of numbers read as classes.
    private static let classLimit = 65536

    init(
        _ layout: CSVLayout, isTargetNumber: Bool, classes: [String]?, path: String
    ) throws(PluginError) {
        self.layout = layout
        self.path = path
        self.isTargetNumber = isTargetNumber
        hasGivenClasses = classes != nil
        self.classes = classes ?? []
        inputs = GrowingArray(path)
        numbers = GrowingArray(path)
        labels = GrowingArray(path)
        for (number, name) in self.classes.enumerated() {
            guard numberOfClass.updateValue(Int64(number), forKey: name) == nil else {
                throw .attribute("class '\(name)' stands twice in classes")
            }
        }
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
        if !hasGivenClasses { sortClasses() }
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
        guard let name = parser.string(cell) else {
            throw .data("\(place(column, parser)): the class is not UTF-8; save the file as UTF-8")
        }
        guard !name.isEmpty else { throw .data("\(place(column, parser)): got no value, wanted a class") }
        if let known = numberOfClass[name] { return known }
        guard !hasGivenClasses else {
            throw .data("\(place(column, parser)): \(parser.shown(cell)) is none of the \(classes.count) classes")
        }
        guard classes.count < Self.classLimit else {
            throw .data(
                "\(place(column, parser)): more than \(Self.classLimit) classes; set target_type: number if the column "
                    + "holds numbers")
        }
        let number = Int64(classes.count)
        classes.append(name)
        numberOfClass[name] = number
        return number
    }

    /// Numbers the classes anew, so that they do not depend on the order of the rows.
    private mutating func sortClasses() {
        let values = classes.compactMap { Int($0) }
        let order =
            values.count == classes.count
            ? classes.indices.sorted { (values[$0], $0) < (values[$1], $1) }
            : classes.indices.sorted { classes[$0].utf8.lexicographicallyPrecedes(classes[$1].utf8) }
        var newNumber = [Int64](repeating: 0, count: classes.count)
        for (number, old) in order.enumerated() { newNumber[old] = Int64(number) }
        classes = order.map { classes[$0] }
        for row in 0..<labels.count { labels[row] = newNumber[Int(labels[row])] }
    }

    private func place(_ column: Int, _ parser: CSVParser) -> String {
        "'\(path)', line \(parser.line), \(layout.label(column))"
    }
}
