import LaminaFormats

/// A history with its values in columns: what every file of a report is made from.
///
/// Columns stand in the order in which their names first appear. A name that a row has twice, or that is the name of a
/// fixed column, gets a number: two metrics may share a short name.
struct HistoryTable {
    /// One value of all rows; nil where a row lacks it.
    struct Column {
        let name: String
        var values: [Double?]
    }

    let rows: [HistoryRow]
    private(set) var columns: [Column] = []
    /// A procedure may measure figures of its own alone: a loss that no epoch has is no column. The header without epochs
    /// names it.
    let hasLoss: Bool

    private static let leading = ["epoch", "step"]
    private static let loss = "train_loss"
    private static let trailing = ["learning_rate_factor", "seconds", "samples_per_second"]

    init(_ rows: [HistoryRow]) {
        self.rows = rows
        hasLoss = rows.isEmpty || rows.contains { !$0.trainLoss.isNaN }
        let fixed = Set(Self.leading + [Self.loss] + Self.trailing)
        var positions: [String: Int] = [:]
        for (index, row) in rows.enumerated() {
            var taken = fixed
            for (name, value) in row.values {
                var unique = name
                var number = 2
                while !taken.insert(unique).inserted {
                    unique = "\(name)_\(number)"
                    number += 1
                }
                if positions[unique] == nil {
                    positions[unique] = columns.count
                    columns.append(Column(name: unique, values: Array(repeating: nil, count: rows.count)))
                }
                columns[positions[unique]!].values[index] = value
            }
        }
    }

    /// Comma-separated values: a header, then a line per epoch, ended by line feeds, quoted as in RFC 4180.
    ///
    /// Numbers are the shortest that read back as the same double; a value that a row lacks is empty.
    var csv: String {
        let names = Self.leading + (hasLoss ? [Self.loss] : []) + columns.map(\.name) + Self.trailing
        var text = names.map(Self.quoted).joined(separator: ",") + "\n"
        for (index, row) in rows.enumerated() {
            text += "\(row.epoch),\(row.step)" + (hasLoss ? ",\(row.trainLoss)" : "")
            for column in columns { text += "," + (column.values[index]?.description ?? "") }
            text += ",\(row.learningRateFactor),\(row.seconds),\(row.samplesPerSecond)\n"
        }
        return text
    }

    /// A JSON object per epoch and line, with the columns of `csv` as keys. NaN and infinity are null.
    var jsonLines: String {
        var text = ""
        for (index, row) in rows.enumerated() {
            var object = JSONObject([
                ("epoch", .integer(Int64(row.epoch))), ("step", .integer(Int64(clamping: row.step))),
            ])
            if hasLoss { object.append(Self.loss, .number(row.trainLoss)) }
            for column in columns { object[column.name] = column.values[index].map { .number($0) } }
            object["learning_rate_factor"] = .number(row.learningRateFactor)
            object["seconds"] = .number(row.seconds)
            object["samples_per_second"] = .number(row.samplesPerSecond)
            text += JSON.object(object).text() + "\n"
        }
        return text
    }

    /// A field of RFC 4180: in quotes where it holds a comma, a quote or a line break.
    private static func quoted(_ field: String) -> String {
        let isPlain = field.unicodeScalars.allSatisfy { $0 != "," && $0 != "\"" && $0 != "\n" && $0 != "\r" }
        if isPlain { return field }
        var text = "\""
        for scalar in field.unicodeScalars {
            if scalar == "\"" { text += "\"" }
            text.unicodeScalars.append(scalar)
        }
        return text + "\""
    }
}

/// A column's name taken apart: "test_accuracy" is the accuracy on the test data.
struct MeasureName: Equatable {
    /// "train", "validation", "test", or empty.
    let data: String
    /// "loss", "accuracy", …
    let measure: String

    init(_ column: String) {
        for data in ["train", "validation", "test"]
        where column.hasPrefix(data + "_") && column.utf8.count > data.utf8.count + 1 {
            self.data = data
            measure = String(column.dropFirst(data.count + 1))
            return
        }
        data = ""
        measure = column
    }

    var isLoss: Bool { measure == "loss" || measure.hasSuffix("_loss") }
}
