import LaminaSDK

/// The sum of two or more tensors with broadcasting, y = x₀ + x₁ + ….
struct Add: TangentLayer {
    static let name = "add"
    static let documentation = "Sum of two or more inputs with broadcasting."
    static let inputs = [Port("inputs", .variadic, "two or more tensors")]

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        guard inference.inputCount >= 2 else {
            throw PluginError.shape("there is 1 input, wanted two or more: name them with `from: [a, b]`")
        }
        try inference.addOutput(.float32, inference.broadcast())
    }

    func plan(_ planning: Planning) -> any PlannedLayer { AddPlan(planning) }

    // ẏ = Σ ẋᵢ, of y's shape, which those that are left may not have
    func expandTangent(_ tangent: TangentExpansion) throws {
        var terms = (0..<tangent.inputCount).compactMap { tangent.tangent($0) }
        if terms.count < tangent.inputCount { terms.append(try tangent.zeros(like: tangent.output(), name: "zero")) }
        try tangent.addOutput(tangent.addLayer(name: "tangent", inputs: terms))
    }
}

struct AddPlan: PlannedLayer {
    /// y = x₀ + x₁, then y = y + xᵢ: lanes y, left, right.
    private let sums: [LoopNest]
    /// nil where the input has the result's shape.
    private let reductions: [AxisReduction?]

    init(_ planning: Planning) {
        let y = planning.output(0)
        let inputs = (0..<planning.inputCount).map { planning.input($0) }
        sums = inputs.indices.dropFirst().map { broadcastLoops(y, [$0 == 1 ? inputs[0] : y, inputs[$0]]) }
        // Only these two: whichever of them shares its memory, the additions are the same, as a + b = b + a.
        for index in 0...1 where inputs[index].count == y.count { planning.allowReuse(ofInput: index) }
        if inputs.allSatisfy({ $0.shape == y.shape && $0.isChannelsLast == y.isChannelsLast }) {
            planning.allowRanges()
            if planning.allHoldSteps { planning.allowSteps() }
        }
        var workspace = 0
        var flops = 0.0
        reductions = inputs.indices.map { index in
            if inputs[index].count == y.count {
                planning.allowGradientView(input: index)
                return nil
            }
            let reduction = broadcastReduction(to: inputs[index], from: y, [])
            if planning.wantsInputGradient(index) {
                workspace = max(workspace, reduction.workspaceBytes)
                flops += Double(y.count)
            }
            return reduction
        }
        planning.setWorkspace(backward: workspace)
        planning.setFLOPs(forward: Double(inputs.count - 1) * Double(y.count), backward: flops)
    }

    func forward(_ run: Run) {
        if run.output(0).count == 0 { return }
        let y = run.output(0).floats
        for (index, loops) in sums.enumerated() {
            let (left, right) = (index == 0 ? run.input(0).floats : y, run.input(index + 1).floats)
            let strides = loops.runStrides
            loops.forEachRun(run.host) { offsets, count in
                let (left, right, y) = (left + offsets[1], right + offsets[2], y + offsets[0])
                forEachVector(count) { i, remaining in
                    let sum =
                        left.vector(i, remaining, stride: strides[1]) + right.vector(i, remaining, stride: strides[2])
                    y.store(sum, i, remaining)
                }
            }
        }
    }

    func forward(_ run: Run, _ range: Range<Int>) {
        let y = run.output(0).floats + range.lowerBound
        for index in 1...sums.count {
            let left = index == 1 ? run.input(0).floats + range.lowerBound : y
            let right = run.input(index).floats + range.lowerBound
            forEachVector(range.count) { i, remaining in
                y.store(left.vector(i, remaining) + right.vector(i, remaining), i, remaining)
            }
        }
    }

    // dx_i = dy, summed over the axes along which x_i was repeated
    func backward(_ run: Run) {
        let dy = run.outputGradient(0)
        for (index, reduction) in reductions.enumerated() {
            let dx = run.inputGradient(index)
            if dx.isAbsent || dx.count == 0 { continue }
            if let reduction {
                reduction.compute(
                    Plain<SumCombiner>(dy.count == 0 ? nil : dy.floats), into: dx.floats, accumulate: dx.accumulates,
                    workspace: run.raw.pointee.workspace, host: run.host)
            } else {
                copyGradient(dy.floats, dx.floats, dx.count, accumulate: dx.accumulates, host: run.host)
            }
        }
    }
}

/// The elements of lane 1 themselves.
struct Plain<Combine: Combiner>: ReductionTerm {
    private let x: UnsafeMutablePointer<Float>?

    init(_ x: UnsafeMutablePointer<Float>?) { self.x = x }

    @inline(__always)
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector {
        (x.unsafelyUnwrapped + offsets[1]).vector(index, remaining, stride: strides[1])
    }
}
