import LaminaSDK

/// What an elementwise operation of two tensors has to say; `BinaryPlan` does the rest.
protocol BinaryOperation {
    static func value(_ a: Vector, _ b: Vector) -> Vector
    /// dy · ∂y/∂a
    static func gradientOfLeft(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector
    /// dy · ∂y/∂b
    static func gradientOfRight(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector
    /// Which inputs the gradient of the left and of the right one reads.
    static var leftReads: [Int] { get }
    static var rightReads: [Int] { get }
}

/// An elementwise operation of two tensors of one shape, or of shapes that broadcast.
struct BinaryPlan<Operation: BinaryOperation>: PlannedLayer {
    private let loops: LoopNest
    private let gradients: [Gradient]
    /// Per gradient, whether the inputs are saved for it.
    private let readsLeft: Bool
    private let readsRight: Bool

    private enum Gradient {
        case none
        /// The input has the result's shape: an elementwise loop over the gradient and both inputs.
        case elementwise(LoopNest)
        case reduced(AxisReduction)
    }

    init(_ planning: Planning) {
        let (a, b, y) = (planning.input(0), planning.input(1), planning.output(0))
        loops = broadcastLoops(y, [a, b])
        let wants = [0, 1].map { planning.wantsInputGradient($0) }
        let reads = Set((wants[0] ? Operation.leftReads : []) + (wants[1] ? Operation.rightReads : []))
        for index in reads { planning.saveInput(index) }
        for index in 0...1 where !reads.contains(index) && planning.input(index).count == y.count {
            planning.allowReuse(ofInput: index)
        }
        // In the order in which they are computed: only the last one may overwrite what the others read.
        if let last = wants.lastIndex(of: true), planning.input(last).count == y.count {
            planning.allowGradientReuse(input: last)
        }
        var workspace = 0
        gradients = [0, 1].map { index in
            let x = planning.input(index)
            guard wants[index] else { return .none }
            if x.count == y.count { return .elementwise(broadcastLoops(y, [a, b])) }
            let reduction = broadcastReduction(to: x, from: y, [a, b])
            workspace = max(workspace, reduction.workspaceBytes)
            return .reduced(reduction)
        }
        (readsLeft, readsRight) = (reads.contains(0), reads.contains(1))
        planning.setWorkspace(backward: workspace)
        let n = Double(y.count)
        planning.setFLOPs(forward: n, backward: (wants[0] ? 2 * n : 0) + (wants[1] ? 2 * n : 0))
    }

    func forward(_ run: Run) {
        if run.output(0).count == 0 { return }
        let (a, b, y) = (run.input(0).floats, run.input(1).floats, run.output(0).floats)
        let strides = loops.runStrides
        loops.forEachRun(run.host) { offsets, count in
            let (a, b, y) = (a + offsets[1], b + offsets[2], y + offsets[0])
            forEachVector(count) { i, remaining in
                let value = Operation.value(
                    a.vector(i, remaining, stride: strides[1]), b.vector(i, remaining, stride: strides[2]))
                y.store(value, i, remaining)
            }
        }
    }

    func backward(_ run: Run) {
        let dy = run.outputGradient(0)
        // What is not saved is not read; the gradient stands in for it to keep the loops alike.
        let tensors = BinaryTensors(
            dy: dy.count == 0 ? nil : dy.floats, a: readsLeft && dy.count > 0 ? run.input(0).floats : nil,
            b: readsRight && dy.count > 0 ? run.input(1).floats : nil)
        gradient(0, LeftGradient<Operation>(tensors), run)
        gradient(1, RightGradient<Operation>(tensors), run)
    }

    private func gradient<Term: ReductionTerm>(_ index: Int, _ term: Term, _ run: Run) {
        let dx = run.inputGradient(index)
        if dx.isAbsent || dx.count == 0 { return }
        let (out, accumulate) = (dx.floats, dx.accumulates)
        switch gradients[index] {
        case .none: break
        case .elementwise(let loops):
            let strides = loops.runStrides
            let termStrides = SIMD4(0, strides[0], strides[1], strides[2])
            loops.forEachRun(run.host) { offsets, count in
                let target = out + offsets[0]
                let termOffsets = SIMD4(0, offsets[0], offsets[1], offsets[2])
                forEachVector(count) { i, remaining in
                    let value = term.vector(termOffsets, termStrides, i, remaining)
                    target.store(value, i, remaining, accumulate: accumulate)
                }
            }
        case .reduced(let reduction):
            reduction.compute(
                term, into: out, accumulate: accumulate, workspace: run.raw.pointee.workspace, host: run.host)
        }
    }
}

/// The memory that a gradient is computed from: lanes 1 to 3 of its loops.
private struct BinaryTensors {
    let dy: UnsafeMutablePointer<Float>?
    let a: UnsafeMutablePointer<Float>?
    let b: UnsafeMutablePointer<Float>?

    @inline(__always)
    func load(
        _ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ i: Int, _ remaining: Int
    ) -> (Vector, Vector, Vector) {
        (
            dy.unsafelyUnwrapped.advanced(by: offsets[1]).vector(i, remaining, stride: strides[1]),
            a.map { ($0 + offsets[2]).vector(i, remaining, stride: strides[2]) } ?? Vector(),
            b.map { ($0 + offsets[3]).vector(i, remaining, stride: strides[3]) } ?? Vector()
        )
    }
}

private struct LeftGradient<Operation: BinaryOperation>: ReductionTerm {
    typealias Combine = SumCombiner
    let tensors: BinaryTensors
    init(_ tensors: BinaryTensors) { self.tensors = tensors }

    @inline(__always)
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector {
        let (dy, a, b) = tensors.load(offsets, strides, index, remaining)
        return Operation.gradientOfLeft(dy, a, b)
    }
}

private struct RightGradient<Operation: BinaryOperation>: ReductionTerm {
    typealias Combine = SumCombiner
    let tensors: BinaryTensors
    init(_ tensors: BinaryTensors) { self.tensors = tensors }

    @inline(__always)
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector {
        let (dy, a, b) = tensors.load(offsets, strides, index, remaining)
        return Operation.gradientOfRight(dy, a, b)
    }
}
