import LaminaFormats

/// A picture being drawn: SVG 1.1 on a white ground, without scripts, fonts or anything from outside.
struct SVG {
    private var body = ""
    private let title: String

    /// A picture headed "name: subject" and a summary; a name that is too long is cut, the subject is not.
    init(name: String, subject: String, summary: String, left: Double, width: Double) {
        title = name.isEmpty ? subject : "\(name): \(subject)"
        let room = width - TextWidth.of(": \(subject)", size: 18, isBold: true)
        let fitted = TextWidth.fitted(name, size: 18, isBold: true, width: room)
        text(name.isEmpty ? subject : "\(fitted): \(subject)", left, 36, size: 18, isBold: true)
        text(TextWidth.fitted(summary, size: 12, width: width), left, 56, size: 12, color: "#555555")
    }

    enum Anchor: String { case start, middle, end }

    mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String) {
        body += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\" \(style)/>\n"
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
        body += "<line x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" \(style)/>\n"
    }

    mutating func path(_ points: String, _ style: String) { body += "<path d=\"\(points)\" \(style)/>\n" }

    /// Text with its base line at `y`; turned by `angle` degrees around (x, y).
    mutating func text(
        _ text: String, _ x: Double, _ y: Double, size: Double, anchor: Anchor = .start, color: String = "#222222",
        isBold: Bool = false, angle: Double = 0
    ) {
        body += "<text x=\"\(n(x))\" y=\"\(n(y))\" font-size=\"\(n(size))\" fill=\"\(color)\""
        if anchor != .start { body += " text-anchor=\"\(anchor.rawValue)\"" }
        if isBold { body += " font-weight=\"bold\"" }
        if angle != 0 { body += " transform=\"rotate(\(n(angle)) \(n(x)) \(n(y)))\"" }
        body += ">\(XMLText.escaped(text))</text>\n"
    }

    /// A gradient that runs downwards through `colors`, to be used as fill `url(#name)`.
    mutating func gradient(_ name: String, _ colors: [String]) {
        body += "<linearGradient id=\"\(name)\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"1\">\n"
        for (index, color) in colors.enumerated() {
            let offset = NumberText.coordinate(100 * Double(index) / Double(max(colors.count - 1, 1)))
            body += "<stop offset=\"\(offset)%\" stop-color=\"\(color)\"/>\n"
        }
        body += "</linearGradient>\n"
    }

    /// The whole file.
    func document(width: Double, height: Double) -> String {
        let (w, h) = (n(width.rounded(.up)), n(height.rounded(.up)))
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)" role="img" \
            font-family="Helvetica, Arial, sans-serif">
            <title>\(XMLText.escaped(title))</title>
            <rect width="\(w)" height="\(h)" fill="#ffffff"/>
            \(body)</svg>

            """
    }

    private func n(_ value: Double) -> String { NumberText.coordinate(value) }
}
