import CAttention
import CLaminaMath
import Glibc
import LaminaSDK

extension AttentionPlan {
    // With a = weights, c = contexts, z = W [c; h]:
    //   dz = dout (1 − out²),  dW = dzᵀ [c; h],  dc = dz W_c,  dh = dz W_h
    //   da = dc mᵀ + dweights,  dm = aᵀ dc,  dscores = a (da − Σ a da), then by the kind of the score.
    // All gradients that are wanted are first cleared unless they accumulate, and then added to.
    func backward(_ run: Run) throws {
        for index in 0..<2 { clear(run.inputGradient(index)) }
        for index in parameters.declared.indices { clear(run.parameterGradient(index)) }
        guard rows > 0 else { return }
        let kept = run.saved(0).assumingMemoryBound(to: Float.self)
        // Without a byte of workspace, as for a memory of no steps, nothing is written there.
        let memory = run.raw.pointee.workspace?.assumingMemoryBound(to: Float.self) ?? kept
        let lengths = hasLengths ? UnsafePointer(run.input(2).int64s) : nil
        let dQuery = run.inputGradient(0).isAbsent ? nil : run.inputGradient(0).floats
        let dMemory = run.inputGradient(1).isAbsent ? nil : run.inputGradient(1).floats
        var dContexts = run.outputGradient(0).floats
        if isAttentional {
            dContexts = memory + backwardMemory.contexts
            try combineBackward(run, kept, memory + backwardMemory.outputs, dContexts, dQuery)
        }
        guard steps > 0 else { return }
        let dScores = memory + backwardMemory.scores
        memcpy(dScores, run.outputGradient(1).floats, rows * steps * 4)
        try run.host.gemm(
            transposeB: true, m: queries, n: steps, k: memorySize, a: dContexts, lda: memorySize,
            b: run.input(1).floats, ldb: memorySize, beta: 1, c: dScores, ldc: steps, batch: batch,
            strideA: queries * memorySize, strideB: steps * memorySize, strideC: queries * steps)
        if let dMemory { try addWeighted(run.host, run.output(1).floats, dContexts, to: dMemory) }
        let dPositions = memory + backwardMemory.positions
        normaliseBackward(run, dScores, lengths, kept + self.kept.positions, dPositions)
        try scoresBackward(run, dScores, lengths, kept, memory, dQuery, dMemory)
        try local?.backward(
            run, rows: rows, queries: queries, features: querySize, units: units, steps: steps, lengths: lengths,
            parameters, hidden: kept + self.kept.hidden, positions: kept + self.kept.positions, gradients: dPositions,
            hiddenGradients: memory + backwardMemory.hidden, queryGradient: dQuery)
    }

    private func clear(_ gradient: Tensor) {
        if gradient.isAbsent || gradient.accumulates || gradient.count == 0 { return }
        memset(gradient.floats, 0, gradient.count * 4)
    }

    private func combineBackward(
        _ run: Run, _ kept: Floats, _ dOutputs: Floats, _ dContexts: Floats, _ dQuery: Floats?
    ) throws {
        let (host, width) = (run.host, memorySize + querySize)
        let (out, gradient) = (run.output(0).floats, run.outputGradient(0).floats)
        host.parallelFor(rows * units, grain: 8192) { begin, end in
            lamina_math_tanh_grad(
                out + begin, gradient + begin, dOutputs + begin, Int64(end &- begin), false)
        }
        let dWeight = run.parameterGradient(parameters.outputWeight)
        if !dWeight.isAbsent {
            try host.gemm(
                transposeA: true, m: units, n: memorySize, k: rows, a: dOutputs, lda: units,
                b: kept + self.kept.contexts, ldb: memorySize, beta: 1, c: dWeight.floats, ldc: width)
            try host.gemm(
                transposeA: true, m: units, n: querySize, k: rows, a: dOutputs, lda: units, b: run.input(0).floats,
                ldb: querySize, beta: 1, c: dWeight.floats + memorySize, ldc: width)
        }
        addColumnSums(run, parameters.outputBias, dOutputs, rows, units)
        let weight = run.parameter(parameters.outputWeight).floats
        try host.gemm(
            m: rows, n: memorySize, k: units, a: dOutputs, lda: units, b: weight, ldb: width, c: dContexts,
            ldc: memorySize)
        if let dQuery {
            try host.gemm(
                m: rows, n: querySize, k: units, a: dOutputs, lda: units, b: weight + memorySize, ldb: width, beta: 1,
                c: dQuery, ldc: querySize)
        }
    }

    /// The weights' gradients become the scores', in place; those of the positions are written.
    private func normaliseBackward(
        _ run: Run, _ gradients: Floats, _ lengths: UnsafePointer<Int64>?, _ positions: Floats, _ dPositions: Floats
    ) {
        let weights = run.output(1).floats
        run.host.parallelFor(rows, grain: grain) { begin, end in
            for row in begin..<end {
                let (weights, gradients) = (weights + row &* steps, gradients + row &* steps)
                let range = range(row, lengths, positions)
                memset(gradients, 0, range.lowerBound &* 4)
                memset(gradients + range.upperBound, 0, (steps &- range.upperBound) &* 4)
                if let local {
                    dPositions[row] = lamina_attention_window_gradient(
                        weights, gradients, Int64(range.lowerBound), Int64(range.upperBound), positions[row],
                        local.factor)
                } else {
                    lamina_math_softmax_grad_row(weights, gradients, gradients, Int64(range.count), false)
                }
            }
        }
    }

    private func scoresBackward(
        _ run: Run, _ dScores: Floats, _ lengths: UnsafePointer<Int64>?, _ kept: Floats, _ memory: Floats,
        _ dQuery: Floats?, _ dMemory: Floats?
    ) throws {
        let query = run.input(0).floats
        switch score {
        case .dot:
            if let dMemory { try addWeighted(run.host, dScores, query, to: dMemory) }
            if let dQuery { try compareBackward(run, dScores, dQuery, beta: 1) }
        case .general:
            if let dMemory { try addWeighted(run.host, dScores, kept + self.kept.queryPart, to: dMemory) }
            let dProjected = memory + backwardMemory.queryPart
            try compareBackward(run, dScores, dProjected, beta: 0)
            let dWeight = run.parameterGradient(parameters.scoreWeight)
            if !dWeight.isAbsent {
                try run.host.gemm(
                    transposeA: true, m: querySize, n: memorySize, k: rows, a: query, lda: querySize, b: dProjected,
                    ldb: memorySize, beta: 1, c: dWeight.floats, ldc: memorySize)
            }
            if let dQuery {
                try run.host.gemm(
                    transposeB: true, m: rows, n: querySize, k: memorySize, a: dProjected, lda: memorySize,
                    b: run.parameter(parameters.scoreWeight).floats, ldb: memorySize, beta: 1, c: dQuery,
                    ldc: querySize)
            }
        case .concat: try concatBackward(run, dScores, lengths, kept, memory, dQuery, dMemory)
        }
    }

    private func concatBackward(
        _ run: Run, _ dScores: Floats, _ lengths: UnsafePointer<Int64>?, _ kept: Floats, _ memory: Floats,
        _ dQuery: Floats?, _ dMemory: Floats?
    ) throws {
        let (host, width, query) = (run.host, querySize + memorySize, run.input(0).floats)
        let (a, b) = (kept + self.kept.queryPart, kept + self.kept.memoryPart)
        let (dA, dB) = (memory + backwardMemory.queryPart, memory + backwardMemory.memoryPart)
        let dVectors = memory + backwardMemory.vectors
        let vector = run.parameter(parameters.scoreVector).floats
        // A sample's rows share its keys, so a sample is one thread's.
        host.parallelFor(batch, grain: 1) { begin, end in
            for sample in begin..<end {
                let (first, keys) = (sample &* queries, sample &* steps &* units)
                memset(dA + first &* units, 0, queries &* units &* 4)
                memset(dB + keys, 0, steps &* units &* 4)
                memset(dVectors + sample &* units, 0, units &* 4)
                let length = lengths.map { Int($0[sample]) } ?? steps
                for row in first..<first &+ queries {
                    lamina_attention_concat_gradient(
                        a + row &* units, b + keys, vector, Int64(units), Int64(length), dScores + row &* steps,
                        dA + row &* units, dB + keys, dVectors + sample &* units)
                }
            }
        }
        let dVector = run.parameterGradient(parameters.scoreVector)
        if !dVector.isAbsent {
            lamina_attention_column_sums(dVectors, Int64(batch), Int64(units), 0, Int64(units), dVector.floats)
        }
        addColumnSums(run, parameters.scoreBias, dA, rows, units)
        let dWeight = run.parameterGradient(parameters.scoreWeight)
        if !dWeight.isAbsent {
            try host.gemm(
                transposeA: true, m: units, n: querySize, k: rows, a: dA, lda: units, b: query, ldb: querySize,
                beta: 1, c: dWeight.floats, ldc: width)
            try host.gemm(
                transposeA: true, m: units, n: memorySize, k: batch * steps, a: dB, lda: units,
                b: run.input(1).floats, ldb: memorySize, beta: 1, c: dWeight.floats + querySize, ldc: width)
        }
        let weight = run.parameter(parameters.scoreWeight).floats
        if let dQuery {
            try host.gemm(
                m: rows, n: querySize, k: units, a: dA, lda: units, b: weight, ldb: width, beta: 1, c: dQuery,
                ldc: querySize)
        }
        if let dMemory {
            try host.gemm(
                m: batch * steps, n: memorySize, k: units, a: dB, lda: units, b: weight + querySize, ldb: width,
                beta: 1, c: dMemory, ldc: memorySize)
        }
    }

    /// to[n, s] += Σ_t weights[n, t, s] · rows[n, t]
    private func addWeighted(_ host: Host, _ weights: Floats, _ rows: Floats, to out: Floats) throws {
        try host.gemm(
            transposeA: true, m: steps, n: memorySize, k: queries, a: weights, lda: steps, b: rows, ldb: memorySize,
            beta: 1, c: out, ldc: memorySize, batch: batch, strideA: queries * steps, strideB: queries * memorySize,
            strideC: steps * memorySize)
    }

    /// out[n, t] = Σ_s dscores[n, t, s] · memory[n, s] + beta · out[n, t]
    private func compareBackward(_ run: Run, _ dScores: Floats, _ out: Floats, beta: Float) throws {
        try run.host.gemm(
            m: queries, n: memorySize, k: steps, a: dScores, lda: steps, b: run.input(1).floats, ldb: memorySize,
            beta: beta, c: out, ldc: memorySize, batch: batch, strideA: queries * steps,
            strideB: steps * memorySize, strideC: queries * memorySize)
    }
}
