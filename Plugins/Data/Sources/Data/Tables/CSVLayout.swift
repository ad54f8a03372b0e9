import LaminaFormats
import LaminaSDK

/// Which columns of a CSV file are used, found by its first line and the recipe's names or numbers.
struct CSVLayout {
    enum Reference {
        case name(String)
        case number(Int)
    }

    /// How many cells every line has.
    let width: Int
    let inputs: [Int]
    let target: Int?
    /// Where the rows begin.
    let parser: CSVParser
    private let names: [String]?
    private let hasHeader: Bool

    /// - Parameters:
    ///   - header: whether the first line names the columns; nil: if none of its cells is a number.
    ///   - given: the columns' names when the first line does not tell them.
    init(
        of parser: CSVParser, header: Bool?, names given: [String]?, inputs: [Reference]?, target: Reference?,
        path: String
    ) throws(PluginError) {
        var rest = parser
        var first: [CSVParser.Cell] = []
        guard try rest.next(into: &first) else { throw .data("'\(path)' has no lines") }
        hasHeader = header ?? first.allSatisfy { DecimalNumber.parse(rest.trimmed($0)) == nil }
        self.parser = hasHeader ? rest : parser
        width = first.count
        names = hasHeader ? first.map { rest.string($0) ?? rest.shown($0) } : given
        guard hasHeader || given == nil || given!.count == width else {
            throw .attribute(
                "'\(path)' has \(width) columns and no line that names them, but \(given!.count) are wanted: "
                    + given!.listed)
        }

        let finder = Finder(names: names, width: width, path: path)
        let target = try target.map { reference throws(PluginError) in try finder.find(reference) }
        self.target = target
        if let inputs {
            self.inputs = try inputs.map { reference throws(PluginError) in try finder.find(reference) }
            if let target, self.inputs.contains(target) {
                throw .attribute("the target of '\(path)' is among its input columns, too; leave it out of columns")
            }
        } else {
            self.inputs = (0..<first.count).filter { $0 != target }
        }
        guard !self.inputs.isEmpty else { throw .data("'\(path)' has no column beside the target") }
    }

    /// The column for a message.
    func label(_ column: Int) -> String {
        names.map { "column '\($0[column])'" } ?? "column \(column) (0 is the first)"
    }

    /// The inputs by name, if every one has a name that no other column has. In files without a header, the columns are
    /// those that stood in this one, or the inputs alone. nil, too, for more names than a model keeps.
    var readingJSON: String? {
        guard let names else { return nil }
        let uses = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
        guard inputs.allSatisfy({ uses[names[$0]] == 1 }) else { return nil }
        let columns = JSON.array(inputs.map { .string(names[$0]) })
        let all = hasHeader ? columns : .array(names.map { .string($0) })
        let text = JSON.object(["columns": columns, "names": all]).text()
        return text.utf8.count <= SourceDescription.readingLimit ? text : nil
    }

    private struct Finder {
        let names: [String]?
        let width: Int
        let path: String

        func find(_ reference: Reference) throws(PluginError) -> Int {
            switch reference {
            case .number(let number):
                guard number >= -width, number < width else {
                    throw .attribute("'\(path)' has \(width) columns, there is no number \(number); 0 is the first")
                }
                return number < 0 ? number + width : number
            case .name(let name):
                guard let names else {
                    throw .attribute(
                        "column '\(name)' is wanted by name, but the first line of '\(path)' holds no names; give "
                            + "numbers, or header: true")
                }
                let matches = names.indices.filter { names[$0] == name }
                guard !matches.isEmpty else {
                    throw .attribute("'\(path)' has no column '\(name)'; it has \(names.listed)")
                }
                guard matches.count == 1 else {
                    throw .attribute("'\(path)' has \(matches.count) columns '\(name)'; give their numbers")
                }
                return matches[0]
            }
        }
    }
}

extension [String] {
    /// The first few, for a message.
    fileprivate var listed: String {
        prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (count > 8 ? ", …" : "")
    }
}
