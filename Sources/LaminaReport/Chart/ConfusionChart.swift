/// A confusion matrix as a heat map: rows are the true classes, columns the predicted ones.
///
/// Colours stand for shares of the true class: blue on the diagonal, orange beside it. Numbers appear where they fit.
struct ConfusionChart {
    private let matrix: ConfusionMatrix
    private let title: String
    private let cell: Double
    private let labelSize: Double
    /// Every how many classes have their name.
    private let labelStride: Int
    private let labels: [String]
    private let labelWidth: Double

    private static let margin = 24.0
    private static let header = 76.0

    init(_ matrix: ConfusionMatrix, title: String) {
        self.matrix = matrix
        self.title = title
        let size = Double(matrix.size)
        // Few classes leave room for level labels; beyond a hundred, the picture grows no more.
        let widest = matrix.classes.map { TextWidth.of($0, size: 13) }.max() ?? 0
        let largest = matrix.size <= 5 ? min(140, max(96, widest + 10)) : 96
        let cell = size <= 100 ? min(largest, max(9, 600 / size)) : max(2, 900 / size)
        let labelSize = min(13, max(8, cell * 0.8))
        self.cell = cell
        self.labelSize = labelSize
        labelStride = max(1, Int((labelSize / cell).rounded(.up)))
        labels = matrix.classes.map { TextWidth.fitted($0, size: labelSize, width: 150) }
        labelWidth = labels.map { TextWidth.of($0, size: labelSize) }.max() ?? 0
    }

    var svg: String {
        let side = cell * Double(matrix.size)
        let left = Self.margin + 26 + labelWidth + 8
        let right = left + side
        let width = max(right + 110, 2 * Self.margin + TextWidth.of(summary, size: 12))
        let accuracy = matrix.accuracy.map { "\(NumberText.percent($0, places: 2)) accuracy" } ?? "no samples"
        var svg = SVG(
            name: title, subject: accuracy, summary: summary, left: Self.margin, width: width - 2 * Self.margin)
        drawCells(in: &svg, left: left, side: side)
        let bottom = drawLabels(in: &svg, left: left, side: side)
        drawScale(in: &svg, x: right + 24, height: min(side, 240))
        return svg.document(width: width, height: bottom + Self.margin)
    }

    private var summary: String {
        "\(NumberText.count(matrix.right)) of \(NumberText.count(matrix.total)) samples right; "
            + "percentages are of the true class"
    }

    private func drawCells(in svg: inout SVG, left: Double, side: Double) {
        let size = matrix.size
        let shares = matrix.shares
        let countSize = numberSize(matrix.counts.map(NumberText.count), largest: 14)
        let shareSize = numberSize(["99.9%"], largest: 11)
        let hasShares = countSize > 0 && shareSize >= 9 && countSize + shareSize + 8 <= cell
        if cell >= 5 {
            var grid = ""
            for index in 1..<max(size, 2) {
                let offset = NumberText.coordinate(Double(index) * cell)
                let (x, y) = (NumberText.coordinate(left), NumberText.coordinate(Self.header))
                let end = NumberText.coordinate(side)
                grid += "M\(x) \(y)m0 \(offset)h\(end)M\(x) \(y)m\(offset) 0v\(end)"
            }
            svg.path(grid, "stroke=\"\(cell < 12 ? "#f2f2f2" : "#e6e6e6")\" stroke-width=\"1\" fill=\"none\"")
        }
        for index in 0..<size * size where matrix.counts[index] > 0 {
            let (row, column) = (index / size, index % size)
            let (x, y) = (left + Double(column) * cell, Self.header + Double(row) * cell)
            let color = (row == column ? ColorScale.right : ColorScale.wrong).color(shares[index])
            svg.rectangle(x, y, cell, cell, "fill=\"\(ColorScale.text(color))\"")
            guard countSize > 0 else { continue }
            let ink = ColorScale.ink(on: color)
            let middle = x + cell / 2
            let base = y + cell / 2 + countSize * 0.36 - (hasShares ? shareSize * 0.65 : 0)
            svg.text(
                NumberText.count(matrix.counts[index]), middle, base, size: countSize, anchor: .middle, color: ink,
                isBold: row == column)
            if hasShares {
                svg.text(
                    NumberText.percent(shares[index], places: 1), middle, base + shareSize * 1.35, size: shareSize,
                    anchor: .middle, color: ink)
            }
        }
        if cell >= 5 {
            for index in 0..<size {
                svg.rectangle(
                    left + Double(index) * cell, Self.header + Double(index) * cell, cell, cell,
                    "fill=\"none\" stroke=\"#08306b\" stroke-width=\"\(cell >= 20 ? "1.5" : "0.75")\"")
            }
        }
        svg.rectangle(left, Self.header, side, side, "fill=\"none\" stroke=\"#555555\" stroke-width=\"1\"")
    }

    /// The font size at which all of `texts` fit a cell; 0 when they would be too small to read.
    private func numberSize(_ texts: [String], largest: Double) -> Double {
        let widest = texts.map { TextWidth.of($0, size: 1, isBold: true) }.max() ?? 1
        let size = min(largest, (cell - 4) / widest, (cell - 4) / 1.1)
        return size >= 7 ? size : 0
    }

    /// Class names and axis titles; returns where they end.
    private func drawLabels(in svg: inout SVG, left: Double, side: Double) -> Double {
        let top = Self.header
        // Level where they fit, else slanted where the lines keep apart, else upright.
        let isLevel = labelWidth <= cell * Double(labelStride) - 6
        let angle = isLevel ? 0.0 : cell * Double(labelStride) * 0.7 >= labelSize ? -45 : -90
        for index in stride(from: 0, to: matrix.size, by: labelStride) {
            let middle = (Double(index) + 0.5) * cell
            svg.text(
                labels[index], left - 8, top + middle + labelSize * 0.36, size: labelSize, anchor: .end)
            switch angle {
            case 0: svg.text(labels[index], left + middle, top + side + labelSize + 6, size: labelSize, anchor: .middle)
            case -45:
                svg.text(
                    labels[index], left + middle + labelSize * 0.3, top + side + labelSize * 0.7 + 6, size: labelSize,
                    anchor: .end, angle: angle)
            default:
                svg.text(
                    labels[index], left + middle + labelSize * 0.36, top + side + 8, size: labelSize, anchor: .end,
                    angle: angle)
            }
        }
        let depth = angle == 0 ? labelSize + 6 : 8 + labelWidth * (angle == -45 ? 0.72 : 1) + labelSize * 0.7
        let titles = top + side + depth + 22
        svg.text("predicted class", left + side / 2, titles, size: 13, anchor: .middle, color: "#444444")
        svg.text(
            "true class", Self.margin + 12, top + side / 2, size: 13, anchor: .middle, color: "#444444", angle: -90)
        return titles
    }

    /// What the colours mean: a strip for the diagonal and one for the rest.
    private func drawScale(in svg: inout SVG, x: Double, height: Double) {
        let top = Self.header + 44
        let length = max(60, height - 44)
        for (offset, name, scale) in [(0.0, "right", ColorScale.right), (20, "wrong", ColorScale.wrong)] {
            // Many stops, since the colours run with the square root of the share.
            let shares = (0...32).map { 1 - Double($0) / 32 }
            svg.gradient(name, shares.map { ColorScale.text(scale.color($0)) })
            svg.rectangle(
                x + offset, top, 16, length, "fill=\"url(#\(name))\" stroke=\"#555555\" stroke-width=\"0.75\"")
            svg.text(name, x + offset + 12, top - 6, size: 11, color: "#444444", angle: -60)
        }
        for percent in [0, 25, 50, 75, 100] {
            let y = top + length * (1 - Double(percent) / 100)
            svg.line(x + 36, y, x + 40, y, "stroke=\"#555555\" stroke-width=\"1\"")
            svg.text("\(percent)%", x + 43, y + 4, size: 11, color: "#444444")
        }
    }
}
