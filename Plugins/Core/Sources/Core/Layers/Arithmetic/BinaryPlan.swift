import LaminaSDK

/// An elementwise operation of two tensors of one shape, or of shapes that broadcast.
///
/// A conforming type says what is computed; that each has a conformance of its own makes the compiler specialise the
/// loops, which it does not do for a generic plan.
protocol BinaryPlan: PlannedLayer {
    static func value(_ a: Vector, _ b: Vector) -> Vector
    /// dy · ∂y/∂a
    static func gradientOfLeft(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector
    /// dy · ∂y/∂b
    static func gradientOfRight(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector
    /// Which inputs the gradient of the left and of the right one reads.
    static var leftReads: [Int] { get }
    static var rightReads: [Int] { get }

    var loops: BinaryLoops { get }
}

/// How the tensors of an elementwise operation are stepped through.
struct BinaryLoops {
    fileprivate let forward: LoopNest
    fileprivate let gradients: [Gradient]
    /// Which inputs are saved.
    fileprivate let saved: [Bool]

    fileprivate enum Gradient {
        case none
        /// The input has the result's shape: an elementwise loop over the gradient and both inputs.
        case elementwise(LoopNest)
        case reduced(AxisReduction)
    }

    init(_ planning: Planning, leftReads: [Int], rightReads: [Int]) {
        let (a, b, y) = (planning.input(0), planning.input(1), planning.output(0))
        forward = broadcastLoops(y, [a, b])
        let wants = [0, 1].map { planning.wantsInputGradient($0) }
        let reads = (wants[0] ? leftReads : []) + (wants[1] ? rightReads : [])
        saved = [0, 1].map { reads.contains($0) }
        for index in 0...1 {
            if saved[index] {
                planning.saveInput(index)
            } else if planning.input(index).count == y.count {
                planning.allowReuse(ofInput: index)
            }
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
        planning.setWorkspace(backward: workspace)
        let n = Double(y.count)
        planning.setFLOPs(forward: n, backward: (wants[0] ? 2 * n : 0) + (wants[1] ? 2 * n : 0))
    }
}

extension BinaryPlan {
    func forward(_ run: Run) {
        if run.output(0).count == 0 { return }
        let (a, b, y) = (run.input(0).floats, run.input(1).floats, run.output(0).floats)
        let strides = loops.forward.runStrides
        loops.forward.forEachRun(run.host) { offsets, count in
            let (a, b, y) = (a + offsets[1], b + offsets[2], y + offsets[0])
            forEachVector(count) { i, remaining in
                let value = Self.value(
                    a.vector(i, remaining, stride: strides[1]), b.vector(i, remaining, stride: strides[2]))
                y.store(value, i, remaining)
            }
        }
    }

    func backward(_ run: Run) {
        let dy = run.outputGradient(0)
        if dy.count == 0 { return clearGradients(run) }
        // The gradient stands in for what is not saved and not read.
        let tensors = BinaryTensors(
            dy: dy.floats, a: loops.saved[0] ? run.input(0).floats : dy.floats,
            b: loops.saved[1] ? run.input(1).floats : dy.floats)
        gradient(0, LeftGradient<Self>(tensors: tensors), run)
        gradient(1, RightGradient<Self>(tensors: tensors), run)
    }

    /// For an empty result, whose inputs may have elements nevertheless.
    private func clearGradients(_ run: Run) {
        for index in 0...1 {
            let dx = run.inputGradient(index)
            if dx.isAbsent || dx.accumulates || dx.count == 0 { continue }
            fill(dx.floats, dx.count, 0)
        }
    }

    private func gradient<Term: ReductionTerm>(_ index: Int, _ term: Term, _ run: Run) {
        let dx = run.inputGradient(index)
        if dx.isAbsent || dx.count == 0 { return }
        let (out, accumulate) = (dx.floats, dx.accumulates)
        switch loops.gradients[index] {
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
    let dy: UnsafeMutablePointer<Float>
    let a: UnsafeMutablePointer<Float>
    let b: UnsafeMutablePointer<Float>

    @inline(__always)
    func load(
        _ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ i: Int, _ remaining: Int
    ) -> (Vector, Vector, Vector) {
        (
            (dy + offsets[1]).vector(i, remaining, stride: strides[1]),
            (a + offsets[2]).vector(i, remaining, stride: strides[2]),
            (b + offsets[3]).vector(i, remaining, stride: strides[3])
        )
    }
}

private struct LeftGradient<Plan: BinaryPlan>: ReductionTerm {
    typealias Combine = SumCombiner
    let tensors: BinaryTensors

    @inline(__always)
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector {
        let (dy, a, b) = tensors.load(offsets, strides, index, remaining)
        return Plan.gradientOfLeft(dy, a, b)
    }
}

private struct RightGradient<Plan: BinaryPlan>: ReductionTerm {
    typealias Combine = SumCombiner
    let tensors: BinaryTensors

    @inline(__always)
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector {
        let (dy, a, b) = tensors.load(offsets, strides, index, remaining)
        return Plan.gradientOfRight(dy, a, b)
    }
}
