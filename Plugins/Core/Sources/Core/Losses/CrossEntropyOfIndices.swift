import CLaminaMath
import LaminaSDK

/// Cross-entropy with class indices for one set of shapes.
struct CrossEntropyOfIndices: PlannedLayer {
    private let rows: ClassRows
    private let weights: ClassWeights
    private let ignoreIndex: Int
    private let smoothing: Double
    private let reduction: Reduction
    /// Saved when backward follows: the divisor (8 bytes), then a SoftmaxRow per row.
    private let saves: Bool

    init(_ loss: CrossEntropyLoss, _ planning: Planning) {
        rows = ClassRows(planning.input(0), target: planning.input(1), axis: loss.axis)
        weights = ClassWeights(loss.classWeights, classes: rows.classes)
        ignoreIndex = loss.ignoreIndex
        smoothing = loss.smoothing
        reduction = loss.reduction
        saves = planning.wantsInputGradient(0)
        if saves {
            planning.saveInput(0)
            planning.saveInput(1)
            planning.save(bytes: 8 + rows.count * MemoryLayout<SoftmaxRow>.stride)
        }
        planning.setWorkspace(forward: max(1, rows.chunks) * MemoryLayout<ClassPartial>.stride)
        let elements = Double(rows.count) * Double(rows.classes)
        planning.setFLOPs(forward: 12 * elements, backward: 14 * elements)
    }

    func forward(_ run: Run) throws {
        var total = ClassPartial()
        if rows.count > 0 {
            let (x, t) = (run.input(0).floats, run.input(1).int64s)
            let stats = saves ? (run.saved(0) + 8).assumingMemoryBound(to: SoftmaxRow.self) : nil
            let partials = run.workspace.assumingMemoryBound(to: ClassPartial.self)
            run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
                partials[begin / rows.grain] = chunk(x, t, stats, begin, end, run.host)
            }
            total = try ClassPartial.total(partials, rows, t, ignoring: ignoreIndex)
        }
        let divisor = reduction == .mean ? total.weight : 1
        if saves { run.saved(0).assumingMemoryBound(to: Double.self).pointee = divisor }
        run.output(0).floats[0] = Float(total.loss / divisor)
    }

    private func chunk(
        _ x: UnsafePointer<Float>, _ t: UnsafePointer<Int64>, _ stats: UnsafeMutablePointer<SoftmaxRow>?, _ begin: Int,
        _ end: Int, _ host: Host
    ) -> ClassPartial {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
            var partial = ClassPartial()
            rows.forEach(begin, end, of: x, host) { row, logits, stride in
                let label = Int(t[rows.targetOffset(row)])
                if label == ignoreIndex { return }
                guard label >= 0, label < rows.classes else {
                    if partial.badRow < 0 { partial.badRow = row }
                    return
                }
                let softmax = SoftmaxRow(logits, classes: rows.classes, stride: stride, buffer: buffer.baseAddress!)
                stats?[row] = softmax
                let weight = Double(weights[label])
                partial.weight += weight
                partial.loss -= (1 - smoothing) * weight * Double(softmax.logProbability(logits[label &* stride]))
                if smoothing > 0 {
                    var sum = 0.0
                    for c in 0..<rows.classes {
                        sum += Double(weights[c]) * Double(softmax.logProbability(logits[c &* stride]))
                    }
                    partial.loss -= smoothing / Double(rows.classes) * sum
                }
            }
            return partial
        }
    }

    // With t' = (1 − ε) w_t δ_jt + ε/C w_j:  dL/dx_j = dL/dℓ · (p_j Σ t' − t'_j) / divisor
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        guard !dx.isAbsent, rows.count > 0 else { return }
        let (x, t, gradient) = (run.input(0).floats, run.input(1).int64s, dx.floats)
        let adds = dx.accumulates
        let divisor = run.saved(0).assumingMemoryBound(to: Double.self).pointee
        let stats = (run.saved(0) + 8).assumingMemoryBound(to: SoftmaxRow.self)
        let factor = Double(run.outputGradient(0).floats[0]) / divisor
        let spread = smoothing / Double(rows.classes)
        run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
                let p = buffer.baseAddress!
                rows.forEach(begin, end, of: x, into: gradient, adding: adds, run.host) {
                    row, logits, out, stride, adds in
                    let label = Int(t[rows.targetOffset(row)])
                    if label == ignoreIndex {
                        if !adds { for c in 0..<rows.classes { out[c &* stride] = 0 } }
                        return
                    }
                    let own = (1 - smoothing) * Double(weights[label])
                    let total = Float(factor * (own + spread * weights.sum))
                    var first = 0
                    while first < rows.classes {
                        let count = min(LossBlock.size, rows.classes - first)
                        stats[row].logProbabilities(logits + first &* stride, stride, into: p, count)
                        lamina_math_exp(p, p, Int64(count))
                        for i in 0..<count { p[i] *= total }
                        if smoothing > 0 {
                            for i in 0..<count { p[i] -= Float(factor * spread) * weights[first &+ i] }
                        }
                        if label >= first, label < first &+ count { p[label &- first] -= Float(factor * own) }
                        write(p, to: out + first &* stride, stride: stride, count, adding: adds)
                        first += count
                    }
                }
            }
        }
    }
}

/// destination = source, or += when adding, `stride` apart.
@inline(__always)
func write(
    _ source: UnsafePointer<Float>, to destination: UnsafeMutablePointer<Float>, stride: Int, _ count: Int, adding: Bool
) {
    if stride == 1 {
        store(source, times: 1, to: destination, count, adding: adding)
    } else if adding {
        for i in 0..<count { destination[i &* stride] += source[i] }
    } else {
        for i in 0..<count { destination[i &* stride] = source[i] }
    }
}
