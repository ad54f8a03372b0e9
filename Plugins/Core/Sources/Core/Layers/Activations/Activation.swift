import LaminaSDK

/// What activations have in common: y[i] = f(x[i]), any shape, any layout, output over input, gradient over gradient.
///
/// An activation without settings per shape is its own plan. It says what backward reads and offers two kernels.
protocol Activation: TangentLayer, PlannedLayer {
    /// What the derivative is computed from. `output` lets the output overwrite the input in training too.
    static var derivativeOf: DerivativeSource { get }
    /// Roughly, per element: an exponential counts as 10.
    static var operations: Double { get }

    /// y = f(x) for `n` elements; y may be x.
    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int)
    /// dx = f′ · dy, or dx += f′ · dy, where `s` is the input or the output; dx may be dy.
    func backward(
        _ s: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool)

    /// Whether f is straight between kinks, so that f″ is 0 wherever there is one.
    static var isPiecewiseLinear: Bool { get }
    /// The slope of the derivative: ∂h/∂s for `n` elements, where f′(x) = h(s) and `s` is the input or the output.
    func curvature(_ s: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int)
    /// The attributes, for the layer of the tangent.
    var settings: KeyValuePairs<String, AttributeValue> { get }
}

enum DerivativeSource { case input, output }

extension Activation {
    static var isPiecewiseLinear: Bool { false }
    var settings: KeyValuePairs<String, AttributeValue> { [:] }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.addOutput(.float32, inference.shape(0))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        if planning.wantsInputGradient(0) {
            switch Self.derivativeOf {
            case .input: planning.saveInput(0)
            case .output: planning.saveOutput(0)
            }
        }
        planning.allowReuse()
        planning.allowRanges()
        planning.allowSteps()
        planning.allowGradientReuse()
        let n = Double(planning.input(0).count)
        planning.setFLOPs(forward: Self.operations * n, backward: (Self.operations + 1) * n)
        return self
    }

    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        let n = x.count
        if n == 0 { return }
        let (px, py) = (x.floats, y.floats)
        run.host.parallelFor(n, grain: elementGrain) { begin, end in
            forward(px + begin, py + begin, end &- begin)
        }
    }

    func forward(_ run: Run, _ range: Range<Int>) {
        forward(run.input(0).floats + range.lowerBound, run.output(0).floats + range.lowerBound, range.count)
    }

    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        let n = dy.count
        if dx.isAbsent || n == 0 { return }
        let source = Self.derivativeOf == .input ? run.input(0).floats : run.output(0).floats
        let (pdy, pdx, accumulate) = (dy.floats, dx.floats, dx.accumulates)
        run.host.parallelFor(n, grain: elementGrain) { begin, end in
            backward(source + begin, pdy + begin, pdx + begin, end &- begin, accumulate: accumulate)
        }
    }
}
