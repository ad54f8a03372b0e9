import CLaminaMath
import LaminaSDK

/// A loss that is a sum over elements of a function of input and target, which have one shape.
///
/// Conforming types give the term and its derivatives for a block of elements; the rest is shared. Reference for all:
/// PyTorch's losses of the same names.
protocol ElementwiseLoss: Layer {
    var reduction: Reduction { get }
    /// What `reduction: mean` divides by; the number of elements unless the loss says otherwise.
    func meanDivisor(_ input: Tensor) -> Double
    /// Layouts in which an element's index means nothing to the loss may be any.
    var layouts: Layouts { get }
    func validate(_ inference: Inference) throws
    /// Why a block cannot be right, for LAMINA_ERROR_DATA; nil when nothing speaks against it.
    func complaint(_ block: LossBlock) -> String?

    /// ℓ(x, t) of every element of the block.
    func terms(_ block: LossBlock, into out: UnsafeMutablePointer<Float>)
    /// ∂ℓ/∂x of every element of the block.
    func inputGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>)
    /// ∂ℓ/∂t of every element of the block.
    func targetGradients(_ block: LossBlock, into out: UnsafeMutablePointer<Float>)
}

/// Up to `size` neighbouring elements in memory, the first of which is element `first` of the tensor.
struct LossBlock {
    /// 1 KiB of floats: temporary arrays of this length stay on the stack.
    static let size = 256

    let x: UnsafePointer<Float>
    let t: UnsafePointer<Float>
    let first: Int
    let count: Int
}

extension ElementwiseLoss {
    static var inputs: [Port] {
        [
            Port("input", .required, "What the model gave."),
            Port("target", .required, "What it should have given; the same shape."),
        ]
    }

    var layouts: Layouts { .any }
    func meanDivisor(_ input: Tensor) -> Double { Double(input.count) }
    func validate(_ inference: Inference) throws {}
    @inline(__always)
    func complaint(_ block: LossBlock) -> String? { nil }

    /// All inputs float32 of one shape; the output is a scalar.
    func infer(_ inference: Inference) throws {
        let shape = inference.shape(0)
        for index in 0..<inference.inputCount where inference.isConnected(index) {
            try inference.require(index, .float32)
            guard inference.shape(index) == shape else {
                throw PluginError.shape(
                    "\(Self.inputs[index].name) has shape \(inference.host.text(inference.shape(index))), "
                        + "the input has \(inference.host.text(shape)): give both the same shape", input: index)
            }
        }
        try validate(inference)
        try inference.addOutput(.float32, [])
        inference.setLayouts(layouts)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { ElementwiseLossPlan(self, planning) }
}

/// Runs an elementwise loss in chunks: double partial sums, combined in order.
struct ElementwiseLossPlan<Loss: ElementwiseLoss>: PlannedLayer {
    private static var grain: Int { 32 * LossBlock.size }

    /// What one chunk adds.
    private struct Partial {
        var sum = 0.0
        /// The first element of the first block that cannot be right, or -1.
        var badBlock = -1
    }

    private let loss: Loss
    private let count: Int
    private let divisor: Double
    private let isWeighted: Bool

    init(_ loss: Loss, _ planning: Planning) {
        let input = planning.input(0)
        self.loss = loss
        count = input.count
        divisor = loss.reduction == .mean ? loss.meanDivisor(input) : 1
        isWeighted = planning.inputCount > 2 && !planning.input(2).isAbsent
        let inputCount = isWeighted ? 3 : 2
        if (0..<inputCount).contains(where: planning.wantsInputGradient) {
            for index in 0..<inputCount { planning.saveInput(index) }
        }
        planning.setWorkspace(forward: max(1, chunks) * MemoryLayout<Partial>.stride)
        planning.setFLOPs(forward: 4 * Double(count), backward: 4 * Double(count))
    }

    private var chunks: Int { (count + Self.grain - 1) / Self.grain }

    func forward(_ run: Run) throws {
        var sum = 0.0
        if count > 0 {
            let (x, t) = (run.input(0).floats, run.input(1).floats)
            let weight = isWeighted ? run.input(2).floats : nil
            let partials = run.workspace.assumingMemoryBound(to: Partial.self)
            run.host.parallelFor(count, grain: Self.grain) { begin, end in
                var partial = Partial()
                blocks(x, t, begin, end) { block, out in
                    if partial.badBlock < 0, loss.complaint(block) != nil { partial.badBlock = block.first }
                    loss.terms(block, into: out)
                    if let weight { scale(out, by: weight + block.first, block.count) }
                    partial.sum += lamina_math_sum(out, Int64(block.count))
                }
                partials[begin / Self.grain] = partial
            }
            for chunk in 0..<chunks {
                let partial = partials[chunk]
                if partial.badBlock >= 0 { throw complaint(x, t, at: partial.badBlock) }
                sum += partial.sum
            }
        }
        run.output(0).floats[0] = Float(sum / divisor)
    }

    private func complaint(_ x: UnsafePointer<Float>, _ t: UnsafePointer<Float>, at first: Int) -> PluginError {
        let count = min(LossBlock.size, count - first)
        let block = LossBlock(x: x + first, t: t + first, first: first, count: count)
        return .data(loss.complaint(block) ?? "the batch is not valid for this loss")
    }

    // dL/dx = dL/dℓ · ∂ℓ/∂x / divisor, and the same for target and weight
    func backward(_ run: Run) {
        guard count > 0 else { return }
        let factor = Float(Double(run.outputGradient(0).floats[0]) / divisor)
        let (x, t) = (run.input(0).floats, run.input(1).floats)
        let weight = isWeighted ? run.input(2).floats : nil
        for index in 0..<(isWeighted ? 3 : 2) {
            let gradient = run.inputGradient(index)
            if gradient.isAbsent { continue }
            let (destination, accumulates) = (gradient.floats, gradient.accumulates)
            run.host.parallelFor(count, grain: Self.grain) { begin, end in
                blocks(x, t, begin, end) { block, out in
                    switch index {
                    case 0: loss.inputGradients(block, into: out)
                    case 1: loss.targetGradients(block, into: out)
                    default: loss.terms(block, into: out)
                    }
                    if let weight, index < 2 { scale(out, by: weight + block.first, block.count) }
                    store(out, times: factor, to: destination + block.first, block.count, adding: accumulates)
                }
            }
        }
    }

    @inline(__always)
    private func blocks(
        _ x: UnsafePointer<Float>, _ t: UnsafePointer<Float>, _ begin: Int, _ end: Int,
        _ body: (LossBlock, UnsafeMutablePointer<Float>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: LossBlock.size) { buffer in
            let out = buffer.baseAddress!
            var first = begin
            while first < end {
                let size = min(LossBlock.size, end - first)
                body(LossBlock(x: x + first, t: t + first, first: first, count: size), out)
                first += size
            }
        }
    }
}

private func scale(_ out: UnsafeMutablePointer<Float>, by weight: UnsafePointer<Float>, _ count: Int) {
    for i in 0..<count { out[i] *= weight[i] }
}

/// destination = source · factor, or += when adding.
func store(
    _ source: UnsafePointer<Float>, times factor: Float, to destination: UnsafeMutablePointer<Float>, _ count: Int,
    adding: Bool
) {
    if adding {
        for i in 0..<count { destination[i] += source[i] * factor }
    } else {
        for i in 0..<count { destination[i] = source[i] * factor }
    }
}
