/// One diagram of a chart: a title, a legend, axes, and curves over epochs.
struct Panel {
    let title: String
    let curves: [Curve]
    /// Whether small values matter as much as large ones: losses.
    var mayBeLogarithmic = false

    private static let legendSize = 12.0
    private static let tickSize = 11.0

    /// Draws into the rectangle at (x, y), legend and axis labels included.
    func draw(in svg: inout SVG, epochs: [Int], x: Double, y: Double, width: Double, height: Double) {
        let axis = Axis(
            values: curves.lazy.flatMap { $0.values.lazy.compactMap { $0 } }, mayBeLogarithmic: mayBeLogarithmic)
        let heading = title + (axis.isLogarithmic ? " (log scale)" : "")
        svg.text(TextWidth.fitted(heading, size: 14, isBold: true, width: width), x, y + 14, size: 14, isBold: true)
        let hasMarkers = Double(epochs.count) * 10 <= width - 40
        let legendEnd = drawLegend(in: &svg, hasMarkers: hasMarkers, x: x, y: y + 24, width: width)

        let labels = axis.ticks.map { TextWidth.of($0.label, size: Self.tickSize) }
        let left = x + (labels.max() ?? 0) + 8
        let plot = Plot(
            axis: axis, epochs: epochs, left: left, right: x + width - 12, top: legendEnd + 10, bottom: y + height - 38)
        plot.drawGrid(in: &svg, tickSize: Self.tickSize)
        for (index, curve) in curves.enumerated() {
            plot.draw(curve, shape: .of(index), hasMarkers: hasMarkers, in: &svg)
        }
    }

    /// The legend in as many lines as it needs; returns where it ends.
    private func drawLegend(in svg: inout SVG, hasMarkers: Bool, x: Double, y: Double, width: Double) -> Double {
        var (left, top) = (x, y)
        for (index, curve) in curves.enumerated() {
            let value = (curve.last.map { " " + NumberText.measure($0) } ?? "") + curve.note
            let room = width - 34 - TextWidth.of(value, size: Self.legendSize)
            let name = TextWidth.fitted(curve.name, size: Self.legendSize, width: room)
            let entry = 24 + TextWidth.of(name + value, size: Self.legendSize) + 14
            if left > x, left + entry - 14 > x + width {
                left = x
                top += 18
            }
            svg.line(left, top + 8, left + 18, top + 8, "stroke=\"\(curve.color)\" stroke-width=\"2\"")
            if hasMarkers { svg.path(Marker.of(index).path(left + 9, top + 8), "fill=\"\(curve.color)\"") }
            svg.text(name + value, left + 24, top + 12, size: Self.legendSize)
            left += entry
        }
        return top + 18
    }
}

/// The area of a panel in which curves are drawn.
struct Plot {
    let axis: Axis
    let epochs: [Int]
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double

    private var epochAxis: Axis {
        let (first, last) = (epochs.min() ?? 1, epochs.max() ?? 1)
        let label = TextWidth.of(NumberText.decimal(last, 0), size: 11) + 14
        return Axis(epochs: first...last, count: max(2, min(10, Int((right - left) / label))))
    }

    private func x(_ epoch: Double, _ axis: Axis) -> Double { left + 8 + axis.position(epoch) * (right - left - 16) }
    private func y(_ value: Double) -> Double { bottom - axis.position(value) * (bottom - top) }

    func drawGrid(in svg: inout SVG, tickSize: Double) {
        let grid = "stroke=\"#e3e3e3\" stroke-width=\"1\""
        let frame = "stroke=\"#555555\" stroke-width=\"1\""
        for tick in axis.ticks {
            let y = y(tick.value)
            svg.line(left, y, right, y, grid)
            svg.text(tick.label, left - 6, y + tickSize * 0.36, size: tickSize, anchor: .end, color: "#444444")
        }
        let epochAxis = epochAxis
        for tick in epochAxis.ticks {
            let x = x(tick.value, epochAxis)
            svg.line(x, top, x, bottom, grid)
            svg.line(x, bottom, x, bottom + 4, frame)
            svg.text(tick.label, x, bottom + 16, size: tickSize, anchor: .middle, color: "#444444")
        }
        svg.line(left, top, left, bottom, frame)
        svg.line(left, bottom, right, bottom, frame)
        svg.text("epoch", (left + right) / 2, bottom + 32, size: 12, anchor: .middle, color: "#444444")
    }

    func draw(_ curve: Curve, shape: Marker, hasMarkers: Bool, in svg: inout SVG) {
        let epochAxis = epochAxis
        let runs = curve.runs(epochs: epochs, isDrawable: Axis.isDrawable, width: right - left)
        var (lines, markers) = ("", "")
        for run in runs {
            for (index, point) in run.enumerated() {
                let (x, y) = (x(Double(point.epoch), epochAxis), y(point.value))
                if run.count > 1 {
                    lines += "\(index == 0 ? "M" : "L")\(NumberText.coordinate(x)) \(NumberText.coordinate(y))"
                }
                // A point between two gaps has no line: without its mark it would not be seen.
                if hasMarkers || run.count == 1 { markers += shape.path(x, y) }
            }
        }
        if !lines.isEmpty {
            let width = epochs.count > 200 ? "1.4" : "2"
            svg.path(
                lines, "fill=\"none\" stroke=\"\(curve.color)\" stroke-width=\"\(width)\" stroke-linejoin=\"round\"")
        }
        if !markers.isEmpty { svg.path(markers, "fill=\"\(curve.color)\"") }
    }
}

/// The shape of a curve's points: a second way to tell curves apart beside colour.
enum Marker: CaseIterable {
    case circle, square, triangle, diamond

    static func of(_ index: Int) -> Marker { allCases[index % allCases.count] }

    /// The outline around (x, y), as path data.
    func path(_ x: Double, _ y: Double) -> String {
        func at(_ dx: Double, _ dy: Double) -> String {
            "\(NumberText.coordinate(x + dx)) \(NumberText.coordinate(y + dy))"
        }
        return switch self {
        case .circle: "M\(at(-3.2, 0))a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0Z"
        case .square: "M\(at(-3, -3))h6v6h-6Z"
        case .triangle: "M\(at(0, -3.8))L\(at(3.8, 3))L\(at(-3.8, 3))Z"
        case .diamond: "M\(at(0, -4.2))L\(at(4.2, 0))L\(at(0, 4.2))L\(at(-4.2, 0))Z"
        }
    }
}
