import LaminaSDK

/// The parametric rectifier, y = x for x > 0 and w · x otherwise, with one trained w or one per channel (axis 1).
///
/// He, Zhang, Ren, Sun: Delving Deep into Rectifiers, ICCV 2015.
struct PReLU: Layer {
    static let name = "prelu"
    static let documentation = "Rectifier with a trained slope for negative x, shared or one per channel."
    static let attributes: [AttributeSchema] = [
        .integer("num_parameters", default: 1, 1...1e9, "1, or the number of channels (axis 1)"),
        .real("slope", default: 0.25, "the slopes' initial value"),
    ]

    let slopes: Int
    let initial: Double

    init(_ attributes: Attributes) {
        slopes = attributes.integer("num_parameters")
        initial = attributes.real("slope")
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.requireRank(0)
        let shape = inference.shape(0)
        if slopes > 1 {
            guard shape.count >= 2, shape[1].literal == slopes else {
                throw PluginError.shape(
                    "the input has shape \(inference.host.text(shape)), but num_parameters is \(slopes): wanted "
                        + "[N, \(slopes), …], or num_parameters 1", input: 0)
            }
        }
        try inference.addParameter(
            "weight", [slopes], initializer: "core.constant", ["value": .real(initial)], noDecay: true)
        try inference.addOutput(.float32, shape)
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { PReLUPlan(planning, slopes) }
}

struct PReLUPlan: PlannedLayer {
    /// Lane 0 the slope, lane 1 the input.
    private let loops: LoopNest
    private let reduction: AxisReduction

    init(_ planning: Planning, _ slopes: Int) {
        let x = planning.input(0)
        let order = PhysicalOrder(x)
        let inputs = order.strides
        let strides = order.axes.map { SIMD4(slopes > 1 && $0 == 1 ? 1 : 0, inputs[$0], 0, 0) }
        loops = LoopNest(sizes: order.sizes, strides: strides)
        reduction = AxisReduction(sizes: order.sizes, strides: strides, outputCount: slopes)
        if planning.wantsInputGradient(0) || planning.wantsParameterGradient(0) {
            planning.saveInput(0)
        } else {
            planning.allowReuse()
        }
        planning.allowGradientReuse()
        if planning.wantsParameterGradient(0) {
            planning.setWorkspace(backward: reduction.workspaceBytes)
        }
        planning.setFLOPs(forward: 2 * Double(x.count), backward: 4 * Double(x.count))
    }

    func forward(_ run: Run) {
        if run.output(0).count == 0 { return }
        let (x, y, w) = (run.input(0).floats, run.output(0).floats, run.parameter(0).floats)
        let step = loops.runStrides[0]
        loops.forEachRun(run.host) { offsets, count in
            let (x, y, w) = (x + offsets[1], y + offsets[1], w + offsets[0])
            forEachVector(count) { i, remaining in
                let v = x.vector(i, remaining)
                let below = v * w.vector(i, remaining, stride: step)
                y.store(below.replacing(with: v, where: v .> 0), i, remaining)
            }
        }
    }

    // dw = Σ dy · x over x <= 0;  dx = dy for x > 0, w · dy otherwise
    func backward(_ run: Run) {
        let (dy, dx, dw) = (run.outputGradient(0), run.inputGradient(0), run.parameterGradient(0))
        let isEmpty = dy.count == 0
        // First, as dx may overwrite dy.
        if !dw.isAbsent {
            let term = SlopeGradient(x: isEmpty ? nil : run.input(0).floats, dy: isEmpty ? nil : dy.floats)
            reduction.compute(
                term, into: dw.floats, accumulate: dw.accumulates, workspace: run.raw.pointee.workspace, host: run.host)
        }
        if dx.isAbsent || isEmpty { return }
        let (x, w, pdy, pdx, accumulate) = (
            run.input(0).floats, run.parameter(0).floats, dy.floats, dx.floats, dx.accumulates
        )
        let step = loops.runStrides[0]
        loops.forEachRun(run.host) { offsets, count in
            let (x, w, from, to) = (x + offsets[1], w + offsets[0], pdy + offsets[1], pdx + offsets[1])
            forEachVector(count) { i, remaining in
                let g = from.vector(i, remaining)
                let below = g * w.vector(i, remaining, stride: step)
                let gradient = below.replacing(with: g, where: x.vector(i, remaining) .> 0)
                to.store(gradient, i, remaining, accumulate: accumulate)
            }
        }
    }
}

private struct SlopeGradient: ReductionTerm {
    typealias Combine = SumCombiner
    let x: UnsafeMutablePointer<Float>?
    let dy: UnsafeMutablePointer<Float>?

    @inline(__always)
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector {
        let v = (x.unsafelyUnwrapped + offsets[1]).vector(index, remaining, stride: strides[1])
        let g = (dy.unsafelyUnwrapped + offsets[1]).vector(index, remaining, stride: strides[1])
        return (g * v).replacing(with: 0, where: v .> 0)
    }
}
