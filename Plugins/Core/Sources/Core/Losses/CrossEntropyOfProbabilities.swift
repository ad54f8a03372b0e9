import CLaminaMath
import LaminaSDK

/// Cross-entropy with a probability per class for one set of shapes.
struct CrossEntropyOfProbabilities: PlannedLayer {
    private let rows: ClassRows
    private let weights: ClassWeights
    private let smoothing: Float
    private let divisor: Double
    /// Saved when backward follows: a SoftmaxRow per row.
    private let saves: Bool

    init(_ loss: CrossEntropyLoss, _ planning: Planning) {
        rows = ClassRows(planning.input(0), target: planning.input(1), axis: loss.axis)
        weights = ClassWeights(loss.classWeights, classes: rows.classes)
        smoothing = Float(loss.smoothing)
        divisor = loss.reduction == .mean ? Double(rows.count) : 1
        saves = planning.wantsInputGradient(0) || planning.wantsInputGradient(1)
        if saves {
            planning.saveInput(0)
            planning.saveInput(1)
            planning.save(bytes: max(1, rows.count) * MemoryLayout<SoftmaxRow>.stride)
        }
        planning.setWorkspace(forward: max(1, rows.chunks) * MemoryLayout<Double>.stride)
        let elements = Double(rows.count) * Double(rows.classes)
        planning.setFLOPs(forward: 16 * elements, backward: 18 * elements)
    }

    /// w_c t'_c with the smoothed target t' = (1 − ε) t + ε / C.
    @inline(__always)
    private func weighted(_ t: Float, _ index: Int) -> Float {
        weights[index] * (t * (1 - smoothing) + smoothing / Float(rows.classes))
    }

    func forward(_ run: Run) {
        var sum = 0.0
        if rows.count > 0 {
            let (x, t) = (run.input(0).floats, run.input(1).floats)
            let stats = saves ? run.saved(0).assumingMemoryBound(to: SoftmaxRow.self) : nil
            let partials = run.workspace.assumingMemoryBound(to: Double.self)
            run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
                    var partial = 0.0
                    for row in begin..<end {
                        let offset = rows.offset(row)
                        let softmax = SoftmaxRow(
                            x + offset, classes: rows.classes, stride: rows.stride, buffer: buffer.baseAddress!)
                        stats?[row] = softmax
                        for c in 0..<rows.classes {
                            let at = offset &+ c &* rows.stride
                            partial -= Double(weighted(t[at], c)) * Double(softmax.logProbability(x[at]))
                        }
                    }
                    partials[begin / rows.grain] = partial
                }
            }
            for chunk in 0..<rows.chunks { sum += partials[chunk] }
        }
        run.output(0).floats[0] = Float(sum / divisor)
    }

    // dL/dx_j = dL/dℓ · (p_j Σ_c w_c t'_c − w_j t'_j) / divisor
    // dL/dt_j = −dL/dℓ · (1 − ε) w_j log p_j / divisor
    func backward(_ run: Run) {
        let (dx, dt) = (run.inputGradient(0), run.inputGradient(1))
        guard rows.count > 0 else { return }
        let (x, t) = (run.input(0).floats, run.input(1).floats)
        let stats = run.saved(0).assumingMemoryBound(to: SoftmaxRow.self)
        let factor = Float(Double(run.outputGradient(0).floats[0]) / divisor)
        let (inputGradient, targetGradient) = (dx.isAbsent ? nil : dx.floats, dt.isAbsent ? nil : dt.floats)
        let (addsToInput, addsToTarget) = (dx.accumulates, dt.accumulates)
        run.host.parallelFor(rows.count, grain: rows.grain) { begin, end in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
                let values = buffer.baseAddress!
                for row in begin..<end {
                    let offset = rows.offset(row)
                    var mass = 0.0
                    if inputGradient != nil {
                        for c in 0..<rows.classes { mass += Double(weighted(t[offset &+ c &* rows.stride], c)) }
                    }
                    var first = 0
                    while first < rows.classes {
                        let count = min(LossBlock.size, rows.classes - first)
                        let at = offset &+ first &* rows.stride
                        stats[row].logProbabilities(x + at, rows.stride, into: values, count)
                        if let targetGradient {
                            for i in 0..<count {
                                let value = -factor * (1 - smoothing) * weights[first &+ i] * values[i]
                                let place = at &+ i &* rows.stride
                                targetGradient[place] = addsToTarget ? targetGradient[place] + value : value
                            }
                        }
                        if let inputGradient {
                            lamina_math_exp(values, values, Int64(count))
                            for i in 0..<count {
                                let wanted = weighted(t[at &+ i &* rows.stride], first &+ i)
                                values[i] = factor * (values[i] * Float(mass) - wanted)
                            }
                            write(values, to: inputGradient + at, stride: rows.stride, count, adding: addsToInput)
                        }
                        first += count
                    }
                }
            }
        }
    }
}
