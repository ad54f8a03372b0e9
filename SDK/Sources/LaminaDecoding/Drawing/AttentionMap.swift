import LaminaFormats
import LaminaSDK

/// Heat maps of attention: a row per token that asks, a column per token that is looked at; the darker, the more.
///
/// Several maps of the same tokens, of heads or layers, stand in one drawing, each under its title.
public struct AttentionMap {
    public struct Panel {
        /// May be empty.
        public var title: String
        /// Per row the weights of the columns; what is missing is 0.
        public var weights: [[Float]]

        public init(_ title: String = "", _ weights: [[Float]]) { (self.title, self.weights) = (title, weights) }
    }

    /// May be empty.
    public var title: String
    public var rows, columns: [String]
    /// Rows of panels, one below the other.
    public var panels: [[Panel]]

    public init(_ title: String = "", rows: [String], columns: [String], panels: [[Panel]]) {
        (self.title, self.rows, self.columns, self.panels) = (title, rows, columns, panels)
    }

    private static let (left, top, margin, line) = (120, 120, 12, 24)
    /// Cells of a file that a browser still shows.
    private static let limit = 1_000_000

    /// Smaller cells for many tokens, that still hold the letters beside them.
    private var cell: Int { max(rows.count, columns.count) > 64 ? 14 : 24 }
    private var panelWidth: Int { Self.left + columns.count * cell + Self.margin }
    private var panelHeight: Int {
        let isTitled = panels.contains { $0.contains { !$0.title.isEmpty } }
        return (isTitled ? Self.line : 0) + Self.top + rows.count * cell + Self.margin
    }

    public var svg: String {
        let heading = title.isEmpty ? 0 : Self.line + Self.margin
        let width = (panels.map(\.count).max() ?? 0) * panelWidth
        let height = heading + panels.count * panelHeight
        var text =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
            + "viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\" font-size=\"12\">\n"
            + "<rect width=\"\(width)\" height=\"\(height)\" fill=\"white\"/>\n"
        if !title.isEmpty {
            text += "<text x=\"\(Self.margin)\" y=\"\(Self.line)\" font-size=\"16\">\(XMLText.escaped(title))</text>\n"
        }
        let labels = (rows: rows.map(Self.label), columns: columns.map(Self.label))
        for (line, panels) in panels.enumerated() {
            for (position, panel) in panels.enumerated() {
                draw(panel, labels, x: position * panelWidth, y: heading + line * panelHeight, into: &text)
            }
        }
        return text + "</svg>\n"
    }

    private func draw(
        _ panel: Panel, _ labels: (rows: [String], columns: [String]), x left: Int, y above: Int,
        into text: inout String
    ) {
        let left = left + Self.left
        let top = above + panelHeight - rows.count * cell - Self.margin
        if !panel.title.isEmpty {
            text += "<text x=\"\(left)\" y=\"\(above + 16)\" font-size=\"14\">\(XMLText.escaped(panel.title))</text>\n"
        }
        for (index, name) in labels.columns.enumerated() {
            let (x, y) = (left + index * cell + cell / 2 + 4, top - 6)
            text += "<text x=\"\(x)\" y=\"\(y)\" transform=\"rotate(-90 \(x) \(y))\">\(name)</text>\n"
        }
        text +=
            "<rect x=\"\(left)\" y=\"\(top)\" width=\"\(columns.count * cell)\" height=\"\(rows.count * cell)\" "
            + "fill=\"none\" stroke=\"#ddd\"/>\n"
        for (row, name) in labels.rows.enumerated() {
            let y = top + row * cell
            text += "<text x=\"\(left - 6)\" y=\"\(y + cell / 2 + 4)\" text-anchor=\"end\">\(name)</text>\n"
            for column in columns.indices {
                let weight =
                    row < panel.weights.count && column < panel.weights[row].count ? panel.weights[row][column] : 0
                // From white to dark blue; what is no number is white.
                let share = weight > 0 ? Double(min(weight, 1)) : 0
                let color = [255.0 - 247 * share, 255 - 203 * share, 255 - 106 * share].map { "\(Int($0.rounded()))" }
                let percent = (share * 1000).rounded() / 10
                text +=
                    "<rect x=\"\(left + column * cell)\" y=\"\(y)\" width=\"\(cell)\" height=\"\(cell)\" "
                    + "fill=\"rgb(\(color.joined(separator: ",")))\" stroke=\"#ddd\">"
                    + "<title>\(name) ← \(labels.columns[column]): \(percent) %</title></rect>\n"
            }
        }
    }

    /// Throws `.attribute` for a drawing that nothing could show: to ask before the weights are computed.
    public static func check(maps: Int, rows: Int, columns: Int) throws {
        // Beyond the limit the number itself is of no interest, but must not overflow.
        let cells = Double(maps) * Double(rows) * Double(columns)
        guard cells <= Double(limit) else {
            throw PluginError.attribute(
                "attention: \(maps) maps of \(rows) × \(columns) tokens are more than the \(limit) cells that can be "
                    + "shown: take fewer tokens, layers or heads")
        }
    }

    /// Throws `.file`, and `.attribute` for a drawing that nothing could show.
    public func write(to path: String) throws {
        try Self.check(maps: panels.reduce(0) { $0 + $1.count }, rows: rows.count, columns: columns.count)
        do {
            let file = try AtomicFile(replacing: path)
            defer { file.discard() }
            try Array(svg.utf8).withUnsafeBytes { try file.write($0) }
            try file.commit()
        } catch {
            throw PluginError.file("\(error)")
        }
    }

    /// A token for XML; what is no printable character of it becomes visible.
    private static func label(_ token: String) -> String {
        var visible = ""
        for scalar in token.unicodeScalars {
            switch scalar.value {
            case 0x20: visible += "␣"
            case 0..<0x20, 0x7F..<0xA0: visible += "·"
            default: visible.unicodeScalars.append(scalar)
            }
        }
        return XMLText.escaped(visible)
    }
}
