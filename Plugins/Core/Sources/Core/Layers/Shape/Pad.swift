import LaminaSDK

/// Adds elements before and after some axes: a constant, the mirrored inside, or the nearest edge.
///
/// Size dₐ becomes before + dₐ + after. `reflect` mirrors without repeating the edge and needs amounts below the size;
/// `replicate` needs a size of at least 1. Any layout.
struct Pad: LinearLayer {
    static let name = "pad"
    static let documentation = "Adds elements before and after axes: constant, reflect or replicate."
    static let attributes: [AttributeSchema] = [
        .integers("before", 0...1e9, count: 1...maximumRank, "how many elements to add before each of the axes"),
        .integers("after", 0...1e9, count: 1...maximumRank, "how many elements to add after each of the axes"),
        .optionalIntegers(
            "axes", -Double(maximumRank)...Double(maximumRank), count: 1...maximumRank,
            "the axes that `before` and `after` speak of; by default the last ones"),
        .string(
            "mode", default: "constant", choices: ["constant", "reflect", "replicate"], "what the new elements hold"),
        .real("value", default: 0, "the constant"),
    ]

    enum Mode: String { case constant, reflect, replicate }

    let before: [Int]
    let after: [Int]
    let axes: [Int]
    let mode: Mode
    let value: Float

    init(_ attributes: Attributes) throws {
        before = attributes.integers("before")
        after = attributes.integers("after")
        axes = attributes.optionalIntegers("axes") ?? Array(-before.count..<0)
        mode = Mode(rawValue: attributes.string("mode")) ?? .constant
        value = attributes.float("value")
        guard before.count == after.count && axes.count == before.count else {
            throw PluginError.attribute(
                "before has \(before.count) amounts, after \(after.count), axes \(axes.count): wanted one per axis each"
            )
        }
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.requireRank(0)
        let host = inference.host
        let shape = inference.shape(0)
        var result = shape
        var seen = Set<Int>()
        for (index, axis) in axes.enumerated() {
            let position = try inference.axis(axis, "axes", of: shape)
            guard seen.insert(position).inserted else {
                throw PluginError.attribute("axes \(axes) names axis \(position) twice: give each axis once")
            }
            if let size = shape[position].literal { try checkMode(index, size, host.text(shape), position) }
            result[position] = try host.add(shape[position], Dimension(before[index] + after[index]))
        }
        try inference.addOutput(.float32, result)
        inference.setLayouts(.any)
    }

    private func checkMode(_ index: Int, _ size: Int, _ shape: String, _ axis: Int) throws {
        let most = max(before[index], after[index])
        switch mode {
        case .constant: return
        case .reflect where most < max(size, 1): return
        case .replicate where size > 0 || most == 0: return
        default:
            throw PluginError.shape(
                "the input has shape \(shape); \(mode.rawValue) padding by \(before[index]) and \(after[index]) wants "
                    + "axis \(axis) to have at least \(mode == .reflect ? most + 1 : 1) elements", input: 0)
        }
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let (x, y) = (planning.input(0), planning.output(0))
        var starts = Array(repeating: 0, count: x.rank)
        for (index, axis) in axes.enumerated() {
            let position = resolved(axis, rank: x.rank)
            starts[position] = before[index]
            try checkMode(index, x.size(position), "\(x.shape)", position)
        }
        if mode == .constant { return ConstantPadPlan(x, y, starts, value) }
        return MirrorPadPlan(x, y, starts, reflects: mode == .reflect)
    }

    // The constant is not part of the tangent.
    var tangentAttributes: KeyValuePairs<String, AttributeValue> { ["value": .real(0)] }
}

struct ConstantPadPlan: PlannedLayer {
    private let offset: Int
    private let put: StridedCopy
    private let take: StridedCopy
    private let value: Float

    init(_ x: Tensor, _ y: Tensor, _ starts: [Int], _ value: Float) {
        let order = PhysicalOrder(x)
        let (inner, outer) = (order.strides, PhysicalOrder(y).strides)
        offset = zip(starts, outer).reduce(0) { $0 + $1.0 * $1.1 }
        let (from, to) = (order.axes.map { inner[$0] }, order.axes.map { outer[$0] })
        put = StridedCopy(sizes: order.sizes, destination: to, source: from)
        take = StridedCopy(sizes: order.sizes, destination: from, source: to)
        self.value = value
    }

    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        if y.count == 0 { return }
        let (py, value) = (y.floats, value)
        run.host.parallelFor(y.count, grain: elementGrain) { begin, end in fill(py + begin, end &- begin, value) }
        if x.count > 0 { put.copy(py + offset, x.bytes, size: 4, host: run.host) }
    }

    // dx = the inside of dy
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.count == 0 { return }
        take.gradient(dx.floats, dy.floats + offset, accumulate: dx.accumulates, host: run.host)
    }
}
