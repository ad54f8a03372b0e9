import LaminaSDK

/// The used columns of a table of texts, read line by line.
struct TextTable {
    private(set) var texts: [TextColumn]
    /// The label or the target.
    private(set) var column: Column?
    private(set) var classes: [String] = []
    private(set) var count = 0

    /// - Parameters:
    ///   - names: of all columns; nil: the first line has them.
    ///   - texts: the columns that are texts; nil: all but label and target.
    init(
        _ rows: CSVParser, names given: [String]?, texts wanted: [String]?, label: String?, target: String?,
        classes givenClasses: [String]?, path: String
    ) throws(PluginError) {
        var parser = rows
        var cells: [CSVParser.Cell] = []
        var names = given ?? []
        if given == nil {
            guard try parser.next(into: &cells) else { throw .data("'\(path)' has no lines") }
            for (index, cell) in cells.enumerated() {
                guard let name = parser.string(cell) else {
                    throw .data(
                        "'\(path)', line 1: the name of column \(index + 1) is not UTF-8; save the file as UTF-8")
                }
                names.append(name)
            }
        }
        func position(_ name: String) throws(PluginError) -> Int {
            let matches = names.indices.filter { names[$0] == name }
            guard let first = matches.first else {
                throw .attribute(
                    "'\(path)' has no column '\(name)'; it has "
                        + names.prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 8 ? ", …" : ""))
            }
            guard matches.count == 1 else { throw .attribute("'\(path)' has \(matches.count) columns '\(name)'") }
            return first
        }
        let measured = try (label ?? target).map { name throws(PluginError) in try position(name) }
        var positions: [Int] = []
        for name in wanted ?? names.indices.filter({ $0 != measured }).map({ names[$0] }) {
            let position = try position(name)
            guard position != measured else {
                throw .attribute(
                    "column '\(name)' is to be predicted and is among the texts, too; leave it out of text")
            }
            positions.append(position)
        }
        guard !positions.isEmpty else { throw .data("'\(path)' has no column beside the one to predict") }

        var columns = positions.map { TextColumn(names[$0]) }
        var numbers = try ClassNumbers(givenClasses)
        let labels = GrowingArray<Int64>(path)
        let values = GrowingArray<Float>(path)
        while try parser.next(into: &cells) {
            guard cells.count == names.count else {
                throw .data(
                    "'\(path)', line \(parser.line): it has \(cells.count) cells, wanted \(names.count)"
                        + (given == nil ? " as on the first line" : ", one for each of names"))
            }
            func place(_ position: Int) -> String { "'\(path)', line \(parser.line), column '\(names[position])'" }
            for (index, position) in positions.enumerated() {
                let text = parser.trimmed(cells[position])
                guard !text.isEmpty else { throw .data("\(place(position)): there is no text") }
                guard text.firstInvalidUTF8 == nil else {
                    throw .data("\(place(position)): this is not UTF-8; save the file as UTF-8")
                }
                if cells[position].hasDoubledQuotes {
                    columns[index].append(copy: parser.string(cells[position])!.utf8)
                } else {
                    let start = text.baseAddress! - parser.text.baseAddress!
                    columns[index].append(start..<start + text.count)
                }
            }
            if let measured {
                let cell = cells[measured]
                if label != nil {
                    let number: Int64
                    do throws(ClassNumbers.Fault) {
                        number = try numbers.number(parser.string(cell))
                    } catch {
                        throw .data("\(place(measured)): \(error.text(parser.shown(cell)))")
                    }
                    try labels.append(number)
                } else {
                    guard let value = DecimalNumber.parse(parser.trimmed(cell)) else {
                        throw .data("\(place(measured)): got \(parser.shown(cell)), wanted a finite number")
                    }
                    try values.append(value)
                }
            }
            count += 1
        }
        guard count > 0 else { throw .data("'\(path)' has no rows") }
        if let newNumber = numbers.sorted() {
            for row in 0..<labels.count { labels[row] = newNumber[Int(labels[row])] }
        }
        self.texts = columns
        classes = numbers.names
        if label != nil { column = labels.column("label", .int64, [], .int64, count: count) }
        if target != nil { column = values.column("target", .float32, [1], .float32, count: count) }
    }
}
