import LaminaSDK

/// Maxima and minima along axes.
///
/// A protocol with two conformances, as the compiler does not specialise the loops of a generic plan.
protocol ExtremumPlan: PlannedLayer {
    associatedtype Combine: Combiner
    var loops: ExtremumLoops { get }
}

struct MaximumPlan: ExtremumPlan {
    typealias Combine = MaximumCombiner
    let loops: ExtremumLoops
}

struct MinimumPlan: ExtremumPlan {
    typealias Combine = MinimumCombiner
    let loops: ExtremumLoops
}

struct ExtremumLoops {
    fileprivate let reduction: AxisReduction
    fileprivate let spread: LoopNest
    /// Where the workspace of the reduction begins, behind one number of ties per output.
    fileprivate let tieBytes: Int

    init(_ planning: Planning, _ axes: ReducedAxes, _ what: String) throws {
        let (x, y) = (planning.input(0), planning.output(0))
        guard x.count > 0 || y.count == 0 else {
            throw PluginError.shape(
                "the input has shape \(x.shape): there is no \(what) of no elements, wanted at least one along the "
                    + "reduced axes", input: 0)
        }
        let (sizes, strides) = axes.loops(x, y)
        reduction = AxisReduction(sizes: sizes, strides: strides, outputCount: y.count)
        spread = LoopNest(sizes: sizes, strides: strides)
        tieBytes = (y.count * 4 + 63) / 64 * 64
        if planning.wantsInputGradient(0) {
            planning.saveInput(0)
            planning.saveOutput(0)
        }
        planning.setWorkspace(forward: reduction.workspaceBytes, backward: tieBytes + reduction.workspaceBytes)
        planning.setFLOPs(forward: Double(x.count), backward: 3 * Double(x.count))
    }
}

extension ExtremumPlan {
    func forward(_ run: Run) {
        if run.output(0).count == 0 { return }
        loops.reduction.compute(
            Plain<Combine>(run.input(0).floats), into: run.output(0).floats, workspace: run.raw.pointee.workspace,
            host: run.host)
    }

    // dx = dy / (number of ties) where x = y, 0 elsewhere
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.count == 0 { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let ties = run.workspace.assumingMemoryBound(to: Float.self)
        loops.reduction.compute(
            Ties(x: x, y: y), into: ties, workspace: run.workspace + loops.tieBytes, host: run.host)
        let (pdy, pdx, accumulate) = (dy.floats, dx.floats, dx.accumulates)
        let strides = loops.spread.runStrides
        loops.spread.forEachRun(run.host) { offsets, count in
            let (px, to) = (x + offsets[1], pdx + offsets[1])
            let (py, from, share) = (y + offsets[0], pdy + offsets[0], ties + offsets[0])
            forEachVector(count) { i, remaining in
                let gradient =
                    from.vector(i, remaining, stride: strides[0]) / share.vector(i, remaining, stride: strides[0])
                let isOther = px.vector(i, remaining) .!= py.vector(i, remaining, stride: strides[0])
                to.store(gradient.replacing(with: 0, where: isOther), i, remaining, accumulate: accumulate)
            }
        }
    }
}

/// 1 where the element is the extremum.
private struct Ties: ReductionTerm {
    typealias Combine = SumCombiner
    let x: UnsafeMutablePointer<Float>
    let y: UnsafeMutablePointer<Float>

    @inline(__always)
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector {
        let v = (x + offsets[1]).vector(index, remaining, stride: strides[1])
        let extremum = (y + offsets[2]).vector(index, remaining, stride: strides[2])
        return Vector().replacing(with: 1, where: v .== extremum)
    }
}
