import LaminaSDK

/// The tangent of an activation y = f(x), ẏ = f′(x) · ẋ, as gradient penalties need it: a layer that can be differentiated.
///
/// f′ is computed from x or from y, whichever the activation's own backward reads, as h(s). Then ẏ = h(s) · ẋ, and backward
/// gives dẋ = h(s) · dẏ and ds = ∂h/∂s · ẋ · dẏ. Any shape, any layout. Pearlmutter: Fast Exact Multiplication by the
/// Hessian, Neural Computation 6 (1994).
struct ActivationTangent<F: Activation>: Layer {
    static var name: String { F.name + "_tangent" }
    static var documentation: String { "Derivative of core.\(F.name) along a direction, of tangent networks." }
    static var inputs: [Port] {
        [
            Port("value", .required, "the activation's \(F.derivativeOf == .input ? "input" : "output")"),
            Port("direction"),
        ]
    }
    static var attributes: [AttributeSchema] { F.attributes }

    let activation: F

    init(_ attributes: Attributes) throws { activation = try F(attributes) }

    func infer(_ inference: Inference) throws {
        for index in 0...1 { try inference.require(index, .float32) }
        let (value, direction) = (inference.shape(0), inference.shape(1))
        guard value == direction else {
            throw PluginError.shape(
                "the direction has shape \(inference.host.text(direction)), wanted that of the value, "
                    + "\(inference.host.text(value))", input: 1)
        }
        try inference.addOutput(.float32, value)
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let curves = planning.wantsInputGradient(0) && !F.isPiecewiseLinear
        if curves || planning.wantsInputGradient(1) { planning.saveInput(0) }
        if curves { planning.saveInput(1) } else { planning.allowReuse(ofInput: 1) }
        planning.allowRanges()
        planning.allowGradientReuse(input: 1)
        let n = Double(planning.input(0).count)
        planning.setFLOPs(
            forward: (F.operations + 1) * n,
            backward: (F.operations + 1) * n + (curves ? (F.operations + 2) * n : 0))
        return ActivationTangentPlan(activation: activation)
    }
}

struct ActivationTangentPlan<F: Activation>: PlannedLayer {
    let activation: F

    func forward(_ run: Run) {
        let n = run.output(0).count
        if n == 0 { return }
        run.host.parallelFor(n, grain: elementGrain) { begin, end in forward(run, begin..<end) }
    }

    func forward(_ run: Run, _ range: Range<Int>) {
        let (s, direction, y) = (run.input(0).floats, run.input(1).floats, run.output(0).floats)
        let begin = range.lowerBound
        activation.backward(s + begin, direction + begin, y + begin, range.count, accumulate: false)
    }

    // ds = ∂h/∂s · ẋ · dẏ, which comes first, as dẋ = h(s) · dẏ may overwrite dẏ
    func backward(_ run: Run) {
        let (dy, ds, dx) = (run.outputGradient(0), run.inputGradient(0), run.inputGradient(1))
        let n = dy.count
        if n == 0 { return }
        let g = dy.floats
        if !ds.isAbsent {
            let (out, accumulate) = (ds.floats, ds.accumulates)
            if !F.isPiecewiseLinear {
                let (s, direction) = (run.input(0).floats, run.input(1).floats)
                run.host.parallelFor(n, grain: elementGrain) { begin, end in
                    curve(s + begin, direction + begin, g + begin, out + begin, end &- begin, accumulate: accumulate)
                }
            } else if !accumulate {
                zero(out, n, run.host)
            }
        }
        if dx.isAbsent { return }
        let (s, out, accumulate) = (run.input(0).floats, dx.floats, dx.accumulates)
        run.host.parallelFor(n, grain: elementGrain) { begin, end in
            activation.backward(s + begin, g + begin, out + begin, end &- begin, accumulate: accumulate)
        }
    }

    private func curve(
        _ s: UnsafePointer<Float>, _ direction: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
        _ ds: UnsafeMutablePointer<Float>, _ n: Int, accumulate: Bool
    ) {
        withBlocks(n) { begin, count, slope in
            activation.curvature(s + begin, slope, count)
            forEachVector(count) { i, remaining in
                let product = direction.vector(begin &+ i, remaining) * g.vector(begin &+ i, remaining)
                ds.store(slope.vector(i, remaining) * product, begin &+ i, remaining, accumulate: accumulate)
            }
        }
    }
}

extension Activation {
    func expandTangent(_ tangent: TangentExpansion) throws {
        let value = Self.derivativeOf == .input ? tangent.input() : tangent.output()
        try tangent.addOutput(
            tangent.add(
                "core." + ActivationTangent<Self>.name, name: "tangent", inputs: [value, tangent.tangent()], settings))
    }
}
