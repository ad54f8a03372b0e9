import LaminaSDK

/// Negative log-likelihood of log-probabilities: ℓ = −w_t x_t, mean: Σ ℓ / Σ w_t.
///
/// `input` is [N, C] or [N, C, d…] log-probabilities, or has the classes on another axis, such as [N, T, C] with
/// `class_axis: -1`; `target` int64 class indices of its shape without that axis. Rows whose label is `ignore_index` count
/// for nothing; when all are, the mean is NaN and the gradient 0, as in PyTorch. A label outside 0 … C − 1 fails with
/// LAMINA_ERROR_DATA. The output is a scalar.
/// After logits `cross_entropy` does the same in one step. Reference: `torch.nn.NLLLoss`.
struct NLLLoss: Layer {
    static let name = "nll"
    static let documentation = "Negative log-likelihood of log-probabilities, class indices as target."
    static let attributes: [AttributeSchema] = [
        .reals("class_weights", default: [], 0 ... .infinity, "One weight per class; empty: all 1."),
        .integer("ignore_index", default: -100, "The label whose rows count for nothing."),
        ClassAxis.schema,
        Reduction.schema,
    ]
    static let inputs: [Port] = [
        Port("input", .required, "Log-probabilities [N, C, d…], or with the classes on class_axis."),
        Port("target", .required, "Class indices [N, d…] (int64)."),
    ]

    let classWeights: [Float]
    let ignoreIndex: Int
    let axis: ClassAxis
    let reduction: Reduction

    init(_ attributes: Attributes) {
        classWeights = attributes.reals("class_weights").map { Float($0) }
        ignoreIndex = attributes.integer("ignore_index")
        axis = ClassAxis(attributes)
        reduction = Reduction(attributes)
    }

    func infer(_ inference: Inference) throws {
        _ = try ClassRows.infer(inference, axis: axis, probabilities: false)
        try ClassWeights.check(classWeights, inference, axis)
        try inference.addOutput(.float32, [])
    }

    func plan(_ planning: Planning) -> any PlannedLayer { NLLPlan(self, planning) }
}

struct NLLPlan: PlannedLayer {
    private let rows: ClassRows
    private let weights: ClassWeights
    private let ignoreIndex: Int
    private let reduction: Reduction
    /// Saved when backward follows: the divisor. The input itself is not needed.
    private let saves: Bool

    init(_ loss: NLLLoss, _ planning: Planning) {
        rows = ClassRows(planning.input(0), target: planning.input(1), axis: loss.axis)
        weights = ClassWeights(loss.classWeights, classes: rows.classes)
        ignoreIndex = loss.ignoreIndex
        reduction = loss.reduction
        saves = planning.wantsInputGradient(0)
        if saves {
            planning.saveInput(1)
            planning.save(bytes: 8)
        }
        planning.setWorkspace(forward: max(1, rows.chunks) * MemoryLayout<ClassPartial>.stride)
        planning.setFLOPs(forward: 2 * Double(rows.count), backward: 2 * Double(rows.count))
    }

    func forward(_ run: Run) throws {
        var total = ClassPartial()
        if rows.count > 0 {
            let (x, t) = (run.input(0), run.input(1).int64s)
            let partials = run.workspace.assumingMemoryBound(to: ClassPartial.self)
            run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
                var partial = ClassPartial()
                for row in begin..<end {
                    let label = Int(t[rows.targetOffset(row)])
                    if label == ignoreIndex { continue }
                    guard label >= 0, label < rows.classes else {
                        if partial.badRow < 0 { partial.badRow = row }
                        continue
                    }
                    let weight = Double(weights[label])
                    partial.weight += weight
                    partial.loss -= weight * Double(x.floats[rows.offset(row) &+ label &* rows.stride])
                }
                partials[begin / rows.grain] = partial
            }
            total = try ClassPartial.total(partials, rows, t, ignoring: ignoreIndex)
        }
        let divisor = reduction == .mean ? total.weight : 1
        if saves { run.saved(0).assumingMemoryBound(to: Double.self).pointee = divisor }
        run.output(0).floats[0] = Float(total.loss / divisor)
    }

    // dL/dx_t = −dL/dℓ · w_t / divisor, 0 elsewhere
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        guard !dx.isAbsent, rows.count > 0 else { return }
        let (t, gradient, adds) = (run.input(1).int64s, dx.floats, dx.accumulates)
        let factor = Double(run.outputGradient(0).floats[0]) / run.saved(0).assumingMemoryBound(to: Double.self).pointee
        run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
            for row in begin..<end {
                let out = gradient + rows.offset(row)
                if !adds { for c in 0..<rows.classes { out[c &* rows.stride] = 0 } }
                let label = Int(t[rows.targetOffset(row)])
                if label != ignoreIndex { out[label &* rows.stride] -= Float(factor * Double(weights[label])) }
            }
        }
    }
}
