/// The learning curves of a run: a panel with all losses, then one per measure.
struct CurvesChart {
    private let title: String
    private let table: HistoryTable
    private let panels: [Panel]
    /// Measures beyond the panels that still make a picture; they are in the history.
    private let omitted: Int

    private static let maximumPanels = 12
    private static let maximumCurves = Curve.palette.count

    init(_ table: HistoryTable, title: String) {
        self.title = title
        self.table = table
        var groups = Self.groups(table)
        let factors = table.rows.map(\.learningRateFactor)
        if factors.contains(where: { $0 != factors[0] }) {
            groups.append(
                Group(title: "learning rate factor", members: [("factor", "", factors.map { Optional($0) })]))
        }
        let epochs = table.rows.map(\.epoch)
        let all = groups.flatMap { $0.panels(epochs) }
        panels = Array(all.prefix(Self.maximumPanels))
        omitted = all.count - panels.count
    }

    /// Columns that share a panel.
    private struct Group {
        var title: String
        /// Name in the legend, data, and values.
        var members: [(name: String, data: String, values: [Double?])]

        var isLoss = false

        /// Split where there are more curves than colours.
        func panels(_ epochs: [Int]) -> [Panel] {
            let parts = stride(from: 0, to: members.count, by: CurvesChart.maximumCurves).map {
                members[$0..<min($0 + CurvesChart.maximumCurves, members.count)]
            }
            return parts.enumerated().map { number, part in
                var curves = CurvesChart.curves(part)
                if isLoss {
                    // The training loss falls anyhow; where the other one turned is worth knowing.
                    for (index, member) in zip(curves.indices, part) where member.data != "train" {
                        curves[index].note = CurvesChart.lowest(member.values, epochs)
                    }
                }
                return Panel(
                    title: parts.count > 1 ? "\(title) (\(number + 1))" : title, curves: curves,
                    mayBeLogarithmic: isLoss)
            }
        }
    }

    /// Losses first; "f1" and "f1_class_0" belong together.
    private static func groups(_ table: HistoryTable) -> [Group] {
        var losses = Group(title: "loss", members: [("train", "train", table.rows.map { $0.trainLoss })], isLoss: true)
        var groups: [(measure: String, group: Group)] = []
        for column in table.columns {
            let name = MeasureName(column.name)
            if name.isLoss {
                let legend = name.measure == "loss" && !name.data.isEmpty ? name.data : readable(column.name)
                losses.members.append((legend, name.measure == "loss" ? name.data : "", column.values))
            } else if let index = groups.firstIndex(where: {
                name.measure == $0.measure || name.measure.hasPrefix($0.measure + "_")
            }) {
                let rest = name.measure.dropFirst(groups[index].measure.count + 1)
                let legend = readable("\(name.data)\(name.data.isEmpty || rest.isEmpty ? "" : " ")\(rest)")
                groups[index].group.members.append((legend, rest.isEmpty ? name.data : "", column.values))
            } else {
                let legend = name.data.isEmpty ? readable(name.measure) : name.data
                groups.append(
                    (name.measure, Group(title: readable(name.measure), members: [(legend, name.data, column.values)])))
            }
        }
        if hasNoTrainingLoss(losses) { losses.members.removeFirst() }
        return [losses] + groups.map(\.group)
    }

    /// A procedure of several networks measures their losses instead. Where these are no numbers either, training has
    /// diverged.
    private static func hasNoTrainingLoss(_ losses: Group) -> Bool {
        losses.members[0].values.allSatisfy { $0?.isNaN ?? true }
            && losses.members.dropFirst().contains { $0.values.contains { $0?.isFinite ?? false } }
    }

    /// " (lowest 0.2213 in epoch 7)", or nothing when the last is the lowest.
    private static func lowest(_ values: [Double?], _ epochs: [Int]) -> String {
        let measured = zip(epochs, values).compactMap { epoch, value in value.map { (epoch: epoch, value: $0) } }
        let finite = measured.filter { Axis.isDrawable($0.value) }
        guard let lowest = finite.min(by: { $0.value < $1.value }), lowest.epoch != measured.last?.epoch else {
            return ""
        }
        return " (lowest \(NumberText.measure(lowest.value)) in epoch \(NumberText.decimal(lowest.epoch, 0)))"
    }

    private static func readable(_ name: String) -> String { String(name.map { $0 == "_" ? " " : $0 }) }

    private static func curves(_ members: ArraySlice<(name: String, data: String, values: [Double?])>) -> [Curve] {
        var free = Curve.palette
        var colors: [String?] = members.map { member in
            guard let color = Curve.color(data: member.data), let index = free.firstIndex(of: color) else { return nil }
            return free.remove(at: index)
        }
        for index in colors.indices where colors[index] == nil { colors[index] = free.removeFirst() }
        return zip(members, colors).map { Curve(name: $0.name, values: $0.values, color: $1!) }
    }

    var svg: String {
        let columns = panels.count > 1 ? 2.0 : 1.0
        let (margin, gap) = (24.0, 32.0)
        let panelWidth = columns == 1 ? 640.0 : 440.0
        let panelHeight = 310.0
        let width = 2 * margin + columns * panelWidth + (columns - 1) * gap
        let epochs = table.rows.map(\.epoch)

        var svg = SVG(
            name: title, subject: "learning curves", summary: summary, left: margin, width: width - 2 * margin)
        for (index, panel) in panels.enumerated() {
            panel.draw(
                in: &svg, epochs: epochs, x: margin + Double(index % Int(columns)) * (panelWidth + gap),
                y: 76 + Double(index / Int(columns)) * (panelHeight + 16), width: panelWidth, height: panelHeight)
        }
        let lines = (panels.count + Int(columns) - 1) / Int(columns)
        return svg.document(width: width, height: 76 + Double(lines) * (panelHeight + 16))
    }

    /// "20 epochs, 18,760 steps, 3 min 12 s, 6,250 samples/s"
    private var summary: String {
        guard let last = table.rows.last else { return "no epoch yet" }
        let seconds = table.rows.reduce(0) { $0 + $1.seconds }
        let samples = table.rows.reduce(0) { $0 + $1.seconds * $1.samplesPerSecond }
        var text = "\(NumberText.decimal(table.rows.count, 0)) epoch\(table.rows.count == 1 ? "" : "s"), "
        text +=
            "\(NumberText.grouped("\(last.step)")) step\(last.step == 1 ? "" : "s"), \(NumberText.duration(seconds))"
        if seconds > 0, samples > 0, samples.isFinite {
            text += ", \(NumberText.count((samples / seconds).rounded())) samples/s"
        }
        return text + (omitted > 0 ? "; \(omitted) more panels' values are in the history" : "")
    }
}
