import CAttention
import CLaminaMath
import Glibc
import LaminaSDK

typealias Floats = UnsafeMutablePointer<Float>

/// Attention for one set of shapes. Matrix products are the host's; what lies between them runs row by row.
struct AttentionPlan: PlannedLayer {
    let batch: Int
    /// Tq and Tk.
    let queries: Int
    let steps: Int
    let querySize: Int
    let memorySize: Int
    let units: Int
    let score: Attention.Score
    let isAttentional: Bool
    let local: LocalWindow?
    let hasLengths: Bool
    let parameters: AttentionParameters
    let kept: Kept
    let backwardMemory: BackwardMemory
    /// Backward follows: `kept` is saved rather than workspace.
    private let saves: Bool

    var rows: Int { batch * queries }
    /// Rows of one chunk of a parallel loop.
    var grain: Int { max(1, 8192 / max(steps, 1)) }

    /// What forward computes on the way and backward reads: places in one block of floats.
    struct Kept {
        var contexts = 0
        /// general: h W; concat: the query's share of the hidden layer.
        var queryPart = 0
        /// concat: the memory's share.
        var memoryPart = 0
        /// local: the hidden layer of the position, and the position.
        var hidden = 0
        var positions = 0
        var count = 0
    }

    /// Gradients of the same, and of the weights.
    struct BackwardMemory {
        var outputs = 0
        var contexts = 0
        var scores = 0
        var queryPart = 0
        var memoryPart = 0
        var vectors = 0
        var hidden = 0
        var positions = 0
        var count = 0
    }

    init(_ layer: Attention, _ planning: Planning) {
        let (query, memory) = (planning.input(0), planning.input(1))
        (batch, queries, querySize) = (query.size(0), query.size(1), query.size(2))
        (steps, memorySize) = (memory.size(1), memory.size(2))
        units = layer.units ?? querySize
        score = layer.score
        isAttentional = layer.isAttentional
        local = layer.isLocal ? LocalWindow(width: layer.window) : nil
        hasLengths = planning.inputCount > 2 && !planning.input(2).isAbsent
        parameters = AttentionParameters(layer)

        let (rows, memoryRows) = (batch * queries, batch * steps)
        let partSize = score == .concat ? units : score == .general ? memorySize : 0
        var (kept, back) = (Kept(), BackwardMemory())
        func take(_ place: inout Int, _ count: inout Int, _ size: Int) {
            place = count
            count += (size + 15) / 16 * 16
        }
        if isAttentional { take(&kept.contexts, &kept.count, rows * memorySize) }
        take(&kept.queryPart, &kept.count, rows * partSize)
        if score == .concat { take(&kept.memoryPart, &kept.count, memoryRows * units) }
        if local != nil {
            take(&kept.hidden, &kept.count, rows * units)
            take(&kept.positions, &kept.count, rows)
        }
        if isAttentional {
            take(&back.outputs, &back.count, rows * units)
            take(&back.contexts, &back.count, rows * memorySize)
        }
        take(&back.scores, &back.count, rows * steps)
        take(&back.queryPart, &back.count, rows * partSize)
        if score == .concat {
            take(&back.memoryPart, &back.count, memoryRows * units)
            take(&back.vectors, &back.count, batch * units)
        }
        if local != nil {
            take(&back.hidden, &back.count, rows * units)
            take(&back.positions, &back.count, rows)
        }
        (self.kept, backwardMemory) = (kept, back)

        saves =
            planning.wantsInputGradient(0) || planning.wantsInputGradient(1)
            || parameters.declared.indices.contains { planning.wantsParameterGradient($0) }
        if saves {
            planning.saveInput(0)
            planning.saveInput(1)
            if hasLengths { planning.saveInput(2) }
            if isAttentional { planning.saveOutput(0) }
            planning.saveOutput(1)
            planning.save(bytes: max(kept.count, 16) * 4)
            planning.setWorkspace(backward: back.count * 4)
        } else {
            planning.setWorkspace(forward: kept.count * 4)
        }
        let products = Double(rows) * Double(steps) * Double(memorySize) * 4
        let projections =
            2 * Double(rows) * Double((isAttentional ? querySize + memorySize : 0) * units + querySize * partSize)
        planning.setFLOPs(forward: products + projections, backward: 2 * (products + projections))
    }

    // MARK: Forward

    func forward(_ run: Run) throws {
        guard rows > 0 else { return }
        let lengths = try lengths(run)
        let (query, memory, weights) = (run.input(0).floats, run.input(1).floats, run.output(1).floats)
        let memoryOfPlan = saves ? run.saved(0) : run.raw.pointee.workspace
        // Without a byte of workspace its pointer may be anything.
        let kept = memoryOfPlan?.assumingMemoryBound(to: Float.self) ?? query
        if steps > 0 { try scores(run, query, memory, kept, into: weights) }
        if let local {
            try local.predict(
                run, rows: rows, queries: queries, features: querySize, units: units, steps: steps, lengths: lengths,
                parameters, hidden: kept + self.kept.hidden, positions: kept + self.kept.positions)
        }
        normalise(run.host, weights, lengths, kept + self.kept.positions)
        let contexts = isAttentional ? kept + self.kept.contexts : run.output(0).floats
        if steps > 0 {
            try run.host.gemm(
                m: queries, n: memorySize, k: steps, a: weights, lda: steps, b: memory, ldb: memorySize, c: contexts,
                ldc: memorySize, batch: batch, strideA: queries * steps, strideB: steps * memorySize,
                strideC: queries * memorySize)
        } else {
            memset(contexts, 0, rows * memorySize * 4)
        }
        if isAttentional { try combine(run, query, contexts, run.output(0).floats) }
    }

    /// The lengths after a look at each; nil: all steps count.
    private func lengths(_ run: Run) throws -> UnsafePointer<Int64>? {
        guard hasLengths else { return nil }
        let lengths = run.input(2).int64s
        for sample in 0..<batch where lengths[sample] < 0 || lengths[sample] > Int64(steps) {
            throw PluginError.data(
                "the length of sample \(sample) is \(lengths[sample]), the memory has \(steps) steps: wanted 0 to "
                    + "\(steps)", input: 2)
        }
        return UnsafePointer(lengths)
    }

    private func scores(_ run: Run, _ query: Floats, _ memory: Floats, _ kept: Floats, into scores: Floats) throws {
        let host = run.host
        switch score {
        case .dot: try compare(host, query, memory, scores)
        case .general:
            let projected = kept + self.kept.queryPart
            try host.gemm(
                m: rows, n: memorySize, k: querySize, a: query, lda: querySize,
                b: run.parameter(parameters.scoreWeight).floats, ldb: memorySize, c: projected, ldc: memorySize)
            try compare(host, projected, memory, scores)
        case .concat:
            let (a, b) = (kept + self.kept.queryPart, kept + self.kept.memoryPart)
            let width = querySize + memorySize
            let weight = run.parameter(parameters.scoreWeight).floats
            let bias = parameters.scoreBias.map { run.parameter($0).floats }
            if let bias { repeatRow(host, bias, units, rows, into: a) }
            try host.gemm(
                transposeB: true, m: rows, n: units, k: querySize, a: query, lda: querySize, b: weight, ldb: width,
                beta: bias == nil ? 0 : 1, c: a, ldc: units)
            try host.gemm(
                transposeB: true, m: batch * steps, n: units, k: memorySize, a: memory, lda: memorySize,
                b: weight + querySize, ldb: width, c: b, ldc: units)
            let vector = run.parameter(parameters.scoreVector).floats
            host.parallelFor(rows, grain: max(1, 2048 / max(1, steps * units / 8))) { begin, end in
                for row in begin..<end {
                    lamina_attention_concat(
                        a + row &* units, b + row / queries &* steps &* units, vector, Int64(units), Int64(steps),
                        scores + row &* steps)
                }
            }
        }
    }

    /// scores[n, t, s] = query[n, t] · memory[n, s]
    private func compare(_ host: Host, _ query: Floats, _ memory: Floats, _ scores: Floats) throws {
        try host.gemm(
            transposeB: true, m: queries, n: steps, k: memorySize, a: query, lda: memorySize, b: memory,
            ldb: memorySize, c: scores, ldc: steps, batch: batch, strideA: queries * memorySize,
            strideB: steps * memorySize, strideC: queries * steps)
    }

    /// Scores become weights, in place.
    private func normalise(
        _ host: Host, _ weights: Floats, _ lengths: UnsafePointer<Int64>?, _ positions: Floats
    ) {
        guard steps > 0 else { return }
        host.parallelFor(rows, grain: grain) { begin, end in
            for row in begin..<end {
                let weights = weights + row &* steps
                let range = range(row, lengths, positions)
                memset(weights, 0, range.lowerBound &* 4)
                lamina_math_softmax_row(
                    weights + range.lowerBound, weights + range.lowerBound, Int64(range.count))
                memset(weights + range.upperBound, 0, (steps &- range.upperBound) &* 4)
                if let local {
                    lamina_attention_window(
                        weights, Int64(range.lowerBound), Int64(range.upperBound), positions[row], local.factor)
                }
            }
        }
    }

    /// The steps that count for a row.
    @inline(__always)
    func range(_ row: Int, _ lengths: UnsafePointer<Int64>?, _ positions: UnsafePointer<Float>) -> Range<Int> {
        let length = lengths.map { Int($0[row / queries]) } ?? steps
        return local.map { $0.range(around: positions[row], length: length) } ?? 0..<length
    }

    /// tanh(W [c; h])
    private func combine(_ run: Run, _ query: Floats, _ contexts: Floats, _ out: Floats) throws {
        let (host, width) = (run.host, memorySize + querySize)
        let weight = run.parameter(parameters.outputWeight).floats
        let bias = parameters.outputBias.map { run.parameter($0).floats }
        if let bias { repeatRow(host, bias, units, rows, into: out) }
        try host.gemm(
            transposeB: true, m: rows, n: units, k: memorySize, a: contexts, lda: memorySize, b: weight, ldb: width,
            beta: bias == nil ? 0 : 1, c: out, ldc: units)
        try host.gemm(
            transposeB: true, m: rows, n: units, k: querySize, a: query, lda: querySize, b: weight + memorySize,
            ldb: width, beta: 1, c: out, ldc: units)
        host.parallelFor(rows * units, grain: 8192) { begin, end in
            lamina_math_tanh(out + begin, out + begin, Int64(end &- begin))
        }
    }
}

/// Copies a row to each of `rows`, which a product is then added to.
func repeatRow(_ host: Host, _ row: UnsafePointer<Float>, _ size: Int, _ rows: Int, into out: Floats) {
    host.parallelFor(rows, grain: max(1, 8192 / size)) { begin, end in
        for index in begin..<end { memcpy(out + index &* size, row, size &* 4) }
    }
}
