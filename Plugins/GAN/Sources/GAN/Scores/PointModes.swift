import LaminaSDK

/// Classes of real points in a plane as normal distributions, and how generated points lie among them.
struct PointModes {
    struct Mode {
        let label: Int
        var count = 0.0
        var mean = (x: 0.0, y: 0.0)
        /// Of each coordinate.
        var deviation = 0.0
    }

    private(set) var modes: [Mode]
    private static let mostClasses: Int64 = 1_000_000

    init(real model: TaskModel) throws {
        guard let total = try model.sampleCount(.train), total > 0 else {
            throw PluginError.data("the recipe in the archive names no data to compare points with")
        }
        let (values, targets) = try model.samples(.train, 0..<min(total, 100_000))
        guard values.dtype == .float32, values.count == 2 * values.size(0), let targets, targets.dtype == .int64 else {
            throw PluginError.data("the recipe's data are no points in a plane with classes")
        }
        // Generated points are like those that training has seen.
        try self.init(points: model.prepare(values), classes: targets)
    }

    /// - Parameters:
    ///   - points: [N, 2], float32.
    ///   - classes: [N], int64.
    init(points: Tensor, classes: Tensor) throws {
        let labels = UnsafeBufferPointer(start: classes.int64s, count: classes.count)
        guard labels.count == points.size(0), labels.allSatisfy((0..<Self.mostClasses).contains) else {
            throw PluginError.data(
                "the recipe's data are no points in a plane with one class each, numbered from 0 to "
                    + "\(Self.mostClasses - 1): the classes of \(points.size(0)) points have shape \(classes.shape) and run from "
                    + "\(labels.min() ?? 0) to \(labels.max() ?? 0)")
        }
        modes = (0...Int(labels.max() ?? 0)).map { Mode(label: $0) }
        for (index, label) in labels.enumerated() {
            modes[Int(label)].count += 1
            modes[Int(label)].mean.x += Double(points.floats[2 * index])
            modes[Int(label)].mean.y += Double(points.floats[2 * index + 1])
        }
        for index in modes.indices {
            modes[index].mean.x /= modes[index].count
            modes[index].mean.y /= modes[index].count
        }
        for (index, label) in labels.enumerated() {
            let (x, y) = (Double(points.floats[2 * index]), Double(points.floats[2 * index + 1]))
            modes[Int(label)].deviation += distance(x, y, Int(label)) / (2 * modes[Int(label)].count)
        }
        // A single point has no deviation.
        modes = modes.filter { $0.count > 1 }
        guard !modes.isEmpty else { throw PluginError.data("no class of the recipe's data has two points") }
        for index in modes.indices { modes[index].deviation = modes[index].deviation.squareRoot() }
    }

    /// Squared.
    private func distance(_ x: Double, _ y: Double, _ mode: Int) -> Double {
        let (dx, dy) = (x - modes[mode].mean.x, y - modes[mode].mean.y)
        return dx * dx + dy * dy
    }

    private func nearest(_ x: Double, _ y: Double) -> Int {
        modes.indices.min { distance(x, y, $0) < distance(x, y, $1) }!
    }

    func report(_ generator: TrainedGenerator, count: Int, seed: Int, _ answer: TaskAnswer) throws {
        var hits = [Int](repeating: 0, count: modes.count)
        var near = 0
        let values = try generator.make(
            seed: seed, classes: (0..<count).map { generator.takesClass ? modes[$0 % modes.count].label : 0 },
            answer)
        for index in 0..<count {
            let (x, y) = (Double(values[2 * index]), Double(values[2 * index + 1]))
            guard x.isFinite, y.isFinite else { continue }
            let mode = nearest(x, y)
            guard distance(x, y, mode) <= 9 * modes[mode].deviation * modes[mode].deviation else { continue }
            hits[mode] += 1
            near += 1
        }
        answer.addRow([
            "measure": .string("modes hit, of \(modes.count)"), "value": .real(Double(hits.count { $0 > 0 })),
        ])
        answer.addRow([
            "measure": .string("within 3 deviations of a mode"), "value": .real(Double(near) / Double(count)),
        ])
        answer.addRow([
            "measure": .string("share of the rarest mode"), "value": .real(Double(hits.min() ?? 0) / Double(count)),
        ])
    }
}
