import LaminaFormats

/// A picture of words: near ones have similar vectors, as far as two dimensions can show it.
struct WordMap {
    let words: [String]
    let components: PrincipalComponents

    static let (width, height, margin) = (960.0, 720.0, 40.0)
    private static let fontSize = 12.0

    init(_ vectors: [[Float]], words: [String]) {
        self.words = words
        components = PrincipalComponents(vectors.map { $0.map(Double.init) })
    }

    private struct Box {
        var x, y, width, height: Double
        func overlap(_ other: Box) -> Double {
            let across = min(x + width, other.x + other.width) - max(x, other.x)
            let down = min(y + height, other.y + other.height) - max(y, other.y)
            return across > 0 && down > 0 ? across * down : 0
        }
    }

    /// The picture as SVG.
    var svg: String {
        let (width, height) = (Int(Self.width), Int(Self.height))
        var svg =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
            + "viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\" font-size=\"\(Int(Self.fontSize))\">\n"
            + "<rect width=\"\(width)\" height=\"\(height)\" fill=\"white\"/>\n"
        let points = placed()
        var taken = points.map { Box(x: $0.x - 3, y: $0.y - 3, width: 6, height: 6) }
        for (word, point) in zip(words, points) {
            let label = place(word, at: point, beside: taken)
            taken.append(label)
            svg += "<circle cx=\"\(Self.text(point.x))\" cy=\"\(Self.text(point.y))\" r=\"2.5\" fill=\"#1f77b4\"/>"
            svg += "<text x=\"\(Self.text(label.x))\" y=\"\(Self.text(label.y + 0.8 * Self.fontSize))\">"
            svg += "\(XMLText.escaped(word))</text>\n"
        }
        let (x, y) = (Self.text(components.shares.x * 100), Self.text(components.shares.y * 100))
        svg += "<text x=\"\(Int(Self.margin))\" y=\"\(height - 10)\" fill=\"#666\">\(words.count) words; principal "
        svg += "components with \(x) % and \(y) % of the variance</text>\n</svg>\n"
        return svg
    }

    /// The points in the picture: both directions at one scale, in the middle.
    private func placed() -> [(x: Double, y: Double)] {
        let points = components.coordinates
        let (xs, ys) = (points.map(\.x), points.map(\.y))
        let (left, right) = (xs.min() ?? 0, xs.max() ?? 0)
        let (low, high) = (ys.min() ?? 0, ys.max() ?? 0)
        // Labels want room on the right.
        let inner = (width: Self.width - 2 * Self.margin - 60, height: Self.height - 2 * Self.margin)
        let scale = min(
            right > left ? inner.width / (right - left) : .infinity,
            high > low ? inner.height / (high - low) : .infinity)
        let factor = scale.isFinite ? scale : 1
        return points.map {
            (
                Self.margin + inner.width / 2 + ($0.x - (left + right) / 2) * factor,
                Self.margin + inner.height / 2 - ($0.y - (low + high) / 2) * factor
            )
        }
    }

    /// Where the word covers least of what is there: right, left, above or below its point, near or a little off.
    private func place(_ word: String, at point: (x: Double, y: Double), beside taken: [Box]) -> Box {
        let (width, height) = (Double(word.count) * Self.fontSize * 0.56, Self.fontSize)
        var best: (cost: Double, box: Box)?
        for distance in [4.0, 14, 26] {
            let corners = [
                (point.x + distance, point.y - height / 2), (point.x - distance - width, point.y - height / 2),
                (point.x - width / 2, point.y - distance - height), (point.x - width / 2, point.y + distance),
            ]
            for (number, corner) in corners.enumerated() {
                let box = Box(x: corner.0, y: corner.1, width: width, height: height)
                let inside = Box(x: 2, y: 2, width: Self.width - 4, height: Self.height - 24).overlap(box)
                let outside = width * height - inside
                let cost =
                    taken.reduce(0) { $0 + $1.overlap(box) } + 10 * outside + distance * 0.5 + Double(number) * 0.1
                if cost < best?.cost ?? .infinity { best = (cost, box) }
            }
        }
        return best!.box
    }

    /// One digit behind the point.
    private static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}
