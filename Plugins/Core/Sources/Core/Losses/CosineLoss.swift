import CLaminaMath
import LaminaSDK

/// Cosine distance: ℓ = 1 − x·t / (max(‖x‖, ε) max(‖t‖, ε)), the vectors lying along axis 1.
///
/// `input` and `target` are [N, D] or [N, D, d…]; the output is the mean (or sum) over all vectors, a scalar.
/// Reference: `1 - torch.nn.functional.cosine_similarity(input, target, dim=1)`.
struct CosineLoss: Layer {
    static let name = "cosine"
    static let documentation = "Cosine distance along axis 1: 1 − cos(x, t)."
    static let attributes: [AttributeSchema] = [
        .real("epsilon", default: 1e-8, 0 ... .infinity, "Lower bound of each norm."),
        Reduction.schema,
    ]
    static let inputs: [Port] = [
        Port("input", .required, "Vectors [N, D, d…]."),
        Port("target", .required, "Vectors to point along; the same shape."),
    ]

    let epsilon: Double
    let reduction: Reduction

    init(_ attributes: Attributes) {
        epsilon = attributes.real("epsilon")
        reduction = Reduction(attributes)
    }

    func infer(_ inference: Inference) throws {
        let (shape, host) = (inference.shape(0), inference.host)
        try inference.require(0, .float32)
        try inference.require(1, .float32)
        guard shape.count >= 2 else {
            throw PluginError.shape("the input has shape \(host.text(shape)), wanted [N, D, …]", input: 0)
        }
        guard inference.shape(1) == shape else {
            throw PluginError.shape(
                "target has shape \(host.text(inference.shape(1))), the input has \(host.text(shape)): give both "
                    + "the same shape", input: 1)
        }
        try inference.addOutput(.float32, [])
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { CosinePlan(self, planning) }
}

struct CosinePlan: PlannedLayer {
    private let rows: ClassRows
    private let epsilon: Double
    private let divisor: Double

    init(_ loss: CosineLoss, _ planning: Planning) {
        rows = ClassRows(planning.input(0), target: planning.input(1), axis: ClassAxis(1))
        epsilon = loss.epsilon
        divisor = loss.reduction == .mean ? Double(rows.count) : 1
        if planning.wantsInputGradient(0) || planning.wantsInputGradient(1) {
            planning.saveInput(0)
            planning.saveInput(1)
        }
        planning.setWorkspace(forward: max(1, rows.chunks) * MemoryLayout<Double>.stride)
        let elements = Double(rows.count) * Double(rows.classes)
        planning.setFLOPs(forward: 6 * elements, backward: 12 * elements)
    }

    /// The cosine of a pair of vectors and their norms, neither below ε.
    private struct Angle {
        var cosine: Double
        var x, t: Double
        /// Norms below ε count as constants.
        var xIsClamped, tIsClamped: Bool
    }

    @inline(__always)
    private func angle(_ x: UnsafePointer<Float>, _ t: UnsafePointer<Float>) -> Angle {
        var (product, xx, tt) = (0.0, 0.0, 0.0)
        if rows.stride == 1 {
            let count = Int64(rows.classes)
            (product, xx, tt) = (
                lamina_math_dot(x, t, count), lamina_math_dot(x, x, count), lamina_math_dot(t, t, count)
            )
        } else {
            for i in 0..<rows.classes {
                let (a, b) = (Double(x[i &* rows.stride]), Double(t[i &* rows.stride]))
                product += a * b
                xx += a * a
                tt += b * b
            }
        }
        let (normX, normT) = (xx.squareRoot(), tt.squareRoot())
        let (x, t) = (normX < epsilon ? epsilon : normX, normT < epsilon ? epsilon : normT)
        return Angle(cosine: product / (x * t), x: x, t: t, xIsClamped: normX < epsilon, tIsClamped: normT < epsilon)
    }

    func forward(_ run: Run) {
        var sum = 0.0
        if rows.count > 0 {
            let (x, t) = (run.input(0).floats, run.input(1).floats)
            let partials = run.workspace.assumingMemoryBound(to: Double.self)
            run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
                var partial = 0.0
                for row in begin..<end {
                    let at = rows.offset(row)
                    partial += 1 - angle(x + at, t + at).cosine
                }
                partials[begin / rows.grain] = partial
            }
            for chunk in 0..<rows.chunks { sum += partials[chunk] }
        }
        run.output(0).floats[0] = Float(sum / divisor)
    }

    // dL/dx = −dL/dℓ (t / (‖x‖‖t‖) − cos · x / ‖x‖²) / divisor, without the second term where ‖x‖ < ε; t likewise
    func backward(_ run: Run) {
        guard rows.count > 0 else { return }
        let (x, t) = (run.input(0).floats, run.input(1).floats)
        let (dx, dt) = (run.inputGradient(0), run.inputGradient(1))
        let factor = Double(run.outputGradient(0).floats[0]) / divisor
        run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
            for row in begin..<end {
                let at = rows.offset(row)
                let angle = angle(x + at, t + at)
                let across = -factor / (angle.x * angle.t)
                if !dx.isAbsent {
                    let along = angle.xIsClamped ? 0 : factor * angle.cosine / (angle.x * angle.x)
                    combine(across, t + at, along, x + at, into: dx.floats + at, adding: dx.accumulates)
                }
                if !dt.isAbsent {
                    let along = angle.tIsClamped ? 0 : factor * angle.cosine / (angle.t * angle.t)
                    combine(across, x + at, along, t + at, into: dt.floats + at, adding: dt.accumulates)
                }
            }
        }
    }

    /// out = p a + q b along one vector.
    @inline(__always)
    private func combine(
        _ p: Double, _ a: UnsafePointer<Float>, _ q: Double, _ b: UnsafePointer<Float>,
        into out: UnsafeMutablePointer<Float>, adding: Bool
    ) {
        for i in 0..<rows.classes {
            let place = i &* rows.stride
            let value = Float(p * Double(a[place]) + q * Double(b[place]))
            out[place] = adding ? out[place] + value : value
        }
    }
}
