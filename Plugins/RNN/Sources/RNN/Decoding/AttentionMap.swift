import LaminaFormats
import LaminaSDK

/// A heat map of attention: a row per token that was made, a column per token of the source; the darker, the more.
struct AttentionMap {
    let rows, columns: [String]
    let weights: [[Float]]

    private static let (cell, left, top, margin) = (24, 120, 120, 12)

    var svg: String {
        let width = Self.left + columns.count * Self.cell + Self.margin
        let height = Self.top + rows.count * Self.cell + Self.margin
        var text =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
            + "viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\" font-size=\"12\">\n"
            + "<rect width=\"\(width)\" height=\"\(height)\" fill=\"white\"/>\n"
        for (index, name) in columns.enumerated() {
            let (x, y) = (Self.left + index * Self.cell + Self.cell / 2 + 4, Self.top - 6)
            text += "<text x=\"\(x)\" y=\"\(y)\" transform=\"rotate(-90 \(x) \(y))\">\(Self.escaped(name))</text>\n"
        }
        for (row, name) in rows.enumerated() {
            let y = Self.top + row * Self.cell
            text +=
                "<text x=\"\(Self.left - 6)\" y=\"\(y + Self.cell / 2 + 4)\" text-anchor=\"end\">"
                + "\(Self.escaped(name))</text>\n"
            for column in columns.indices {
                let weight = row < weights.count && column < weights[row].count ? weights[row][column] : 0
                // From white to dark blue; what is no number is white.
                let share = weight > 0 ? Double(min(weight, 1)) : 0
                let color = [255.0 - 247 * share, 255 - 203 * share, 255 - 106 * share].map { "\(Int($0.rounded()))" }
                let percent = (share * 1000).rounded() / 10
                text +=
                    "<rect x=\"\(Self.left + column * Self.cell)\" y=\"\(y)\" width=\"\(Self.cell)\" "
                    + "height=\"\(Self.cell)\" fill=\"rgb(\(color.joined(separator: ",")))\" stroke=\"#ddd\">"
                    + "<title>\(Self.escaped(name)) ← \(Self.escaped(columns[column])): \(percent) %</title></rect>\n"
            }
        }
        return text + "</svg>\n"
    }

    func write(to path: String) throws {
        do {
            let file = try AtomicFile(replacing: path)
            defer { file.discard() }
            try Array(svg.utf8).withUnsafeBytes { try file.write($0) }
            try file.commit()
        } catch {
            throw PluginError.file("\(error)")
        }
    }

    /// For XML; what is no printable character of a token becomes visible.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            case " ": result += "␣"
            default:
                if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                    result += "·"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}
