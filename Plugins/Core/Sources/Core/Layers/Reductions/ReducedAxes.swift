import LaminaSDK

/// What the reductions have in common: which axes they reduce, and the shapes.
struct ReducedAxes {
    static let attributes: [AttributeSchema] = [
        .optionalIntegers(
            "axes", -Double(maximumRank)...Double(maximumRank), count: 0...maximumRank,
            "the axes to reduce, negative ones from the end; by default all, the batch included"),
        .bool("keep_dimensions", default: false, "keeps the reduced axes, with size 1"),
    ]

    /// nil: all.
    private let axes: [Int]?
    private let keepsDimensions: Bool

    init(_ attributes: Attributes) {
        axes = attributes.optionalIntegers("axes")
        keepsDimensions = attributes.bool("keep_dimensions")
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.requireRank(0)
        let shape = inference.shape(0)
        let reduced = try Set(axes?.map { try inference.axis($0, "axes", of: shape) } ?? Array(shape.indices))
        let result = shape.indices.compactMap { axis in
            reduced.contains(axis) ? (keepsDimensions ? Dimension(1) : nil) : shape[axis]
        }
        try inference.addOutput(.float32, result)
        inference.setLayouts(result.count == shape.count || result.count < 3 ? .any : .plain)
    }

    private func isReduced(_ axis: Int, rank: Int) -> Bool {
        axes?.contains { resolved($0, rank: rank) == axis } ?? true
    }

    /// The strides of the output by position in the input's memory: 0 along the reduced axes.
    func outputStrides(_ x: Tensor, _ y: Tensor) -> [Int] {
        let strides = PhysicalOrder(y).strides
        var next = 0
        let byAxis = (0..<x.rank).map { axis -> Int in
            let reduced = isReduced(axis, rank: x.rank)
            defer { if !reduced || keepsDimensions { next += 1 } }
            return reduced ? 0 : strides[next]
        }
        return PhysicalOrder(x).axes.map { byAxis[$0] }
    }

    /// The loops over the input's memory: lane 0 the output, lane 1 the input, lane 2 the output again.
    func loops(_ x: Tensor, _ y: Tensor) -> (sizes: [Int], strides: [SIMD4<Int>]) {
        let order = PhysicalOrder(x)
        let inputs = order.strides
        let strides = zip(order.axes, outputStrides(x, y)).map { SIMD4($1, inputs[$0], $1, 0) }
        return (order.sizes, strides)
    }
}

/// Sums and means.
struct SumPlan: PlannedLayer {
    private let reduction: AxisReduction
    private let spread: LoopNest
    /// 1, or 1 / the number of elements reduced to one.
    private let factor: Float

    init(_ planning: Planning, _ axes: ReducedAxes, isMean: Bool) {
        let (x, y) = (planning.input(0), planning.output(0))
        let (sizes, strides) = axes.loops(x, y)
        reduction = AxisReduction(sizes: sizes, strides: strides, outputCount: y.count)
        spread = LoopNest(sizes: sizes, strides: strides)
        // 1 / 0 makes the mean of nothing NaN, as 0 · ∞.
        factor = isMean ? Float(Double(y.count) / Double(x.count)) : 1
        planning.setWorkspace(forward: reduction.workspaceBytes)
        planning.setFLOPs(forward: Double(x.count), backward: Double(x.count))
    }

    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        if y.count == 0 { return }
        let py = y.floats
        reduction.compute(
            Plain<SumCombiner>(x.count == 0 ? nil : x.floats), into: py, workspace: run.raw.pointee.workspace,
            host: run.host)
        if factor == 1 { return }
        forEachVector(y.count) { i, remaining in py.store(py.vector(i, remaining) * factor, i, remaining) }
    }

    // dx = dy · factor along the reduced axes
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.count == 0 { return }
        let (pdy, pdx, accumulate, factor) = (dy.floats, dx.floats, dx.accumulates, factor)
        let strides = spread.runStrides
        spread.forEachRun(run.host) { offsets, count in
            let (from, to) = (pdy + offsets[0], pdx + offsets[1])
            forEachVector(count) { i, remaining in
                let gradient = from.vector(i, remaining, stride: strides[0]) * factor
                to.store(gradient, i, remaining, accumulate: accumulate)
            }
        }
    }
}
