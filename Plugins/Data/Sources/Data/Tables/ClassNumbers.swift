import LaminaSDK

/// Numbers for the class names of a column: in a given order, or in that of the names once all of them are known.
struct ClassNumbers {
    /// Names in the order of their numbers.
    private(set) var names: [String]
    private let isGiven: Bool
    private var numbers: [String: Int64] = [:]

    /// More are taken for a mistake: a column of numbers read as classes.
    static let limit = 65536

    /// Why a cell is no class.
    enum Fault: Error {
        case notUTF8
        case empty
        case unknown(classes: Int)
        case tooMany

        /// `cell` is what the cell holds.
        func text(_ cell: String) -> String {
            switch self {
            case .notUTF8: "the class is not UTF-8; save the file as UTF-8"
            case .empty: "got no value, wanted a class"
            case .unknown(let classes): "\(cell) is none of the \(classes) classes"
            case .tooMany:
                "more than \(ClassNumbers.limit) classes; set target_type: number if the column holds numbers"
            }
        }
    }

    /// - Parameter given: the classes in their order; nil: those that come, sorted.
    init(_ given: [String]?) throws(PluginError) {
        isGiven = given != nil
        names = given ?? []
        for (number, name) in names.enumerated() {
            guard numbers.updateValue(Int64(number), forKey: name) == nil else {
                throw .attribute("class '\(name)' stands twice in classes")
            }
        }
    }

    mutating func number(_ name: String?) throws(Fault) -> Int64 {
        guard let name else { throw .notUTF8 }
        guard !name.isEmpty else { throw .empty }
        if let known = numbers[name] { return known }
        guard !isGiven else { throw .unknown(classes: names.count) }
        guard names.count < Self.limit else { throw .tooMany }
        let number = Int64(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }

    /// Numbers the classes anew, so that they do not depend on the order of the rows: by their names, or by value when all
    /// are integers. Gives the new number for each old one; nil: they stay.
    mutating func sorted() -> [Int64]? {
        guard !isGiven else { return nil }
        let values = names.compactMap { Int($0) }
        let order =
            values.count == names.count
            ? names.indices.sorted { (values[$0], $0) < (values[$1], $1) }
            : names.indices.sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
        var newNumber = [Int64](repeating: 0, count: names.count)
        for (number, old) in order.enumerated() { newNumber[old] = Int64(number) }
        names = order.map { names[$0] }
        return newNumber
    }
}
