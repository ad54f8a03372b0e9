import CLaminaMath
import Glibc
import LaminaSDK

/// y = z / σ + b, and the power iteration before it.
struct SpectralNormPlan: PlannedLayer {
    let sums: ChannelSums
    /// Columns of the weight as a matrix.
    let rest: Int
    let iterations: Int
    let hasBias: Bool
    let isTraining: Bool
    /// Backward needs σ, u and v of the forward: the buffers may have moved on by then.
    let keeps: Bool

    var stateBytes: Int { PowerIteration.floats(outputs: sums.channels, rest: rest) * 4 }

    private func state(_ run: Run) -> PowerIteration {
        let memory = !isTraining ? run.persistent : keeps ? run.saved(0) : run.workspace
        return PowerIteration(memory, outputs: sums.channels, rest: rest)
    }

    func prepare(_ run: Run) throws {
        let (state, weight) = (state(run), run.parameter(0).floats)
        if state.begin(u: run.buffer(0).floats, v: run.buffer(1).floats) {
            try state.measure(weight, run.host)
        } else {
            try state.iterate(weight, iterations, isNew: true, run.host)
        }
    }

    func forward(_ run: Run) throws {
        let state = state(run)
        if isTraining {
            let (u, v) = (run.buffer(0).floats, run.buffer(1).floats)
            let isNew = !state.begin(u: u, v: v)
            try state.iterate(run.parameter(0).floats, iterations, isNew: isNew, run.host)
            memcpy(u, state.u, sums.channels * 4)
            memcpy(v, state.v, rest * 4)
        }
        let (z, y, factor) = (run.input(0).floats, run.output(0).floats, 1 / state.sigma)
        let bias = hasBias ? run.parameter(1).floats : nil
        let (channels, places) = (sums.channels, sums.places)
        run.host.parallelFor(sums.rows, grain: sums.grain) { begin, end in
            guard let bias else {
                let first = begin &* channels &* places
                return lamina_math_scale(
                    factor, z + first, y + first, Int64((end &- begin) &* channels &* places))
            }
            for row in begin..<end {
                let (z, y) = (z + row &* channels &* places, y + row &* channels &* places)
                if places == 1 {
                    lamina_math_add_scaled(bias, factor, z, y, Int64(channels))
                } else {
                    for c in 0..<channels {
                        let (z, y, offset) = (z + c &* places, y + c &* places, bias[c])
                        for place in 0..<places { y[place] = z[place] * factor + offset }
                    }
                }
            }
        }
    }

    // dz = dy / σ;  db = Σ dy per channel;  dW = −Σ (dy · z) / σ² · u vᵀ, where z / σ = y − b;  d source = 0
    func backward(_ run: Run) {
        let dy = run.outputGradient(0).floats
        let (dW, db) = (run.parameterGradient(0), hasBias ? run.parameterGradient(1) : nil)
        let wantsBias = db.map { !$0.isAbsent } ?? false
        if !dW.isAbsent || wantsBias {
            let y = dW.isAbsent ? nil : run.output(0).floats
            let bias = hasBias ? run.parameter(1).floats : nil
            sums.compute(dy, y, workspace: run.workspace, run.host) { product, totals in
                if wantsBias, let db {
                    for c in 0..<sums.channels {
                        db.floats[c] = Float((db.accumulates ? Double(db.floats[c]) : 0) + totals[c])
                    }
                }
                if dW.isAbsent { return }
                var sum = product
                if let bias { for c in 0..<sums.channels { sum -= Double(bias[c]) * totals[c] } }
                let state = state(run)
                addOuterProduct(Float(-sum / Double(state.sigma)), state, to: dW, run.host)
            }
        }
        // In this order: the input's gradient may overwrite the output's.
        let (dz, dSource) = (run.inputGradient(0), run.inputGradient(1))
        if !dz.isAbsent { scale(dy, 1 / state(run).sigma, into: dz, run.host) }
        if !dSource.isAbsent, !dSource.accumulates { clear(dSource, run.host) }
    }

    private func addOuterProduct(_ factor: Float, _ state: PowerIteration, to dW: Tensor, _ host: Host) {
        let (to, accumulates, rest) = (dW.floats, dW.accumulates, Int64(rest))
        host.parallelFor(sums.channels, grain: max(1, 16384 / self.rest)) { begin, end in
            for row in begin..<end {
                let out = to + row &* self.rest
                if accumulates {
                    lamina_math_axpy(factor * state.u[row], state.v, out, rest)
                } else {
                    lamina_math_scale(factor * state.u[row], state.v, out, rest)
                }
            }
        }
    }

    private func scale(_ dy: UnsafeMutablePointer<Float>, _ factor: Float, into dz: Tensor, _ host: Host) {
        let (to, accumulates) = (dz.floats, dz.accumulates)
        host.parallelFor(dz.count, grain: 16384) { begin, end in
            let count = Int64(end &- begin)
            if accumulates {
                lamina_math_axpy(factor, dy + begin, to + begin, count)
            } else {
                lamina_math_scale(factor, dy + begin, to + begin, count)
            }
        }
    }

    private func clear(_ tensor: Tensor, _ host: Host) {
        let to = tensor.floats
        host.parallelFor(tensor.count, grain: 65536) { begin, end in memset(to + begin, 0, (end &- begin) &* 4) }
    }
}
