import LaminaSDK

/// The sum of two or more tensors of one shape: y = x₀ + x₁ + ….
struct Add: Layer {
    static let name = "add"
    static let documentation = "Sum of two or more inputs."
    static let inputs = [Port("inputs", .variadic, "two or more tensors")]

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        guard inference.inputCount >= 2 else {
            throw PluginError.shape("add has 1 input, wanted two or more: name them with `from: [a, b]`")
        }
        let shape = inference.shape(0)
        for index in 0..<inference.inputCount {
            try inference.require(index, .float32)
            guard inference.shape(index) == shape else {
                throw PluginError.shape(
                    "input \(index) has shape \(inference.host.text(inference.shape(index))), wanted "
                        + "\(inference.host.text(shape)), that of input 0", input: index)
            }
        }
        try inference.addOutput(.float32, shape)
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        // Only these two: whichever comes first, the additions happen in the same order up to a + b = b + a.
        planning.allowReuse(ofInput: 0)
        planning.allowReuse(ofInput: 1)
        for index in 0..<planning.inputCount { planning.allowGradientView(input: index) }
        planning.setFLOPs(forward: Double(planning.inputCount - 1) * Double(planning.output(0).count))
        return AddPlan(count: planning.inputCount)
    }
}

struct AddPlan: PlannedLayer {
    let count: Int

    func forward(_ run: Run) {
        let n = run.output(0).count
        if n == 0 { return }
        let y = run.output(0).floats
        for index in 1..<count {
            let (left, right) = (index == 1 ? run.input(0).floats : y, run.input(index).floats)
            run.host.parallelFor(n, grain: elementGrain) { begin, end in
                forEachVector(end &- begin) { i, remaining in
                    let sum = left.vector(begin &+ i, remaining) + right.vector(begin &+ i, remaining)
                    y.store(sum, begin &+ i, remaining)
                }
            }
        }
    }

    // dx_i = dy
    func backward(_ run: Run) {
        let dy = run.outputGradient(0)
        let n = dy.count
        if n == 0 { return }
        for index in 0..<count where !run.inputGradient(index).isAbsent {
            let dx = run.inputGradient(index)
            copyGradient(dy.floats, dx.floats, n, accumulate: dx.accumulates, host: run.host)
        }
    }
}
