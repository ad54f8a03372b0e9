import LaminaSDK

/// The matrix product over the last two axes, y = op(a) · op(b); the axes before them broadcast.
///
/// op(a) is [..., m, k], op(b) is [..., k, n], y is [..., m, n]. A vector counts as a row on the left and as a column
/// on the right, and that axis is left out of the result, as in `torch.matmul`.
struct MatMul: TangentLayer {
    static let name = "matmul"
    static let documentation = "Matrix product of the last two axes; the axes before them broadcast."
    static let inputs = [Port("left"), Port("right")]
    static let attributes: [AttributeSchema] = [
        .bool("transpose_a", default: false, "swaps the last two axes of the left input"),
        .bool("transpose_b", default: false, "swaps the last two axes of the right input"),
    ]

    let transposeA: Bool
    let transposeB: Bool

    init(_ attributes: Attributes) {
        transposeA = attributes.bool("transpose_a")
        transposeB = attributes.bool("transpose_b")
    }

    func infer(_ inference: Inference) throws {
        let host = inference.host
        for index in 0...1 {
            try inference.require(index, .float32)
            try inference.requireRank(index, atLeast: 1)
        }
        let (left, right) = (inference.shape(0), inference.shape(1))
        // Vectors have nothing to transpose.
        let a = left.count == 1 ? [Dimension(1)] + left : transposeA ? swapped(left) : left
        let b = right.count == 1 ? right + [Dimension(1)] : transposeB ? swapped(right) : right
        let (inner, rows) = (a[a.count - 1], b[b.count - 2])
        guard inner == rows else {
            throw PluginError.shape(
                "the left input has shape \(host.text(left))\(transposeA ? " (transposed)" : ""), the right one "
                    + "\(host.text(right))\(transposeB ? " (transposed)" : ""): \(host.text(inner)) columns on the "
                    + "left need as many rows on the right, got \(host.text(rows))", input: 1)
        }
        var result = try batch(a.dropLast(2), b.dropLast(2), host)
        if left.count > 1 { result.append(a[a.count - 2]) }
        if right.count > 1 { result.append(b[b.count - 1]) }
        try inference.addOutput(.float32, result)
    }

    private func swapped(_ shape: [Dimension]) -> [Dimension] {
        shape.dropLast(2) + [shape[shape.count - 1], shape[shape.count - 2]]
    }

    private func batch(_ a: [Dimension], _ b: [Dimension], _ host: Host) throws -> [Dimension] {
        let rank = max(a.count, b.count)
        return try (0..<rank).map { axis in
            let (i, j) = (axis - (rank - a.count), axis - (rank - b.count))
            if i < 0 { return b[j] }
            if j < 0 || a[i] == b[j] || b[j].literal == 1 { return a[i] }
            if a[i].literal == 1 { return b[j] }
            throw PluginError.shape(
                "the axes before the matrices are \(host.text(a)) on the left and \(host.text(b)) on the right: wanted "
                    + "equal sizes, or 1", input: 1)
        }
    }

    func plan(_ planning: Planning) -> any PlannedLayer { MatMulPlan(planning, transposeA, transposeB) }

    // ẏ = op(ȧ) · op(b) + op(a) · op(ḃ)
    func expandTangent(_ tangent: TangentExpansion) throws { try tangent.expandProduct() }
}

struct MatMulPlan: PlannedLayer {
    private var m: Int
    private let n: Int
    private let k: Int
    private let transposeA: Bool
    private let transposeB: Bool
    /// The matrices of the batch: lanes result, left, right; along a run they follow at constant strides.
    private let batch: LoopNest
    /// Several products go to the same gradient.
    private let repeatsA: Bool
    private let repeatsB: Bool

    init(_ planning: Planning, _ wantsTransposedA: Bool, _ wantsTransposedB: Bool) {
        let (a, b) = (planning.input(0), planning.input(1))
        transposeA = wantsTransposedA && a.rank > 1
        transposeB = wantsTransposedB && b.rank > 1
        let left = a.rank == 1 ? (1, a.size(0)) : (a.size(a.rank - 2), a.size(a.rank - 1))
        let right = b.rank == 1 ? (b.size(0), 1) : (b.size(b.rank - 2), b.size(b.rank - 1))
        let (rows, inner) = transposeA ? (left.1, left.0) : left
        (m, k, n) = (rows, inner, transposeB ? right.0 : right.1)

        let rank = max(a.rank, b.rank, 2) - 2
        func sizes(_ x: Tensor) -> [Int] {
            let own = (0..<max(0, x.rank - 2)).map { x.size($0) }
            return Array(repeating: 1, count: rank - own.count) + own
        }
        func strides(_ sizes: [Int], matrix: Int) -> [Int] {
            var stride = matrix
            var result = sizes
            for axis in sizes.indices.reversed() {
                result[axis] = sizes[axis] == 1 ? 0 : stride
                stride *= sizes[axis]
            }
            return result
        }
        let (sizesA, sizesB) = (sizes(a), sizes(b))
        let result = zip(sizesA, sizesB).map { $0 == 1 ? $1 : $0 }
        let (stridesA, stridesB) = (strides(sizesA, matrix: m * k), strides(sizesB, matrix: k * n))
        let loops = LoopNest(
            sizes: result,
            strides: zip(strides(result, matrix: m * n), zip(stridesA, stridesB)).map { SIMD4($0, $1.0, $1.1, 0) },
            unitRuns: false)
        // One right matrix for all: the left ones are one tall matrix.
        let count = loops.count
        let isTall = !transposeA && !stridesB.contains { $0 != 0 } && sizesA == result && count > 0
        if isTall { m *= count }
        let batch = isTall ? LoopNest(sizes: [], strides: [], unitRuns: false) : loops
        self.batch = batch
        repeatsA = batch.strides.indices.contains { batch.strides[$0][1] == 0 && batch.sizes[$0] > 1 }
        repeatsB = batch.strides.indices.contains { batch.strides[$0][2] == 0 && batch.sizes[$0] > 1 }

        let wants = [0, 1].map { planning.wantsInputGradient($0) }
        if wants[0] { planning.saveInput(1) }
        if wants[1] { planning.saveInput(0) }
        let flops = 2 * Double(batch.count) * Double(m) * Double(n) * Double(k)
        planning.setFLOPs(forward: flops, backward: (wants[0] ? flops : 0) + (wants[1] ? flops : 0))
    }

    func forward(_ run: Run) throws {
        let y = run.output(0)
        if y.count == 0 { return }
        if k == 0 { return zero(y.floats, y.count, run.host) }
        try products(
            run, Operand(run.input(0).floats, 1, transposeA, transposeA ? m : k),
            Operand(run.input(1).floats, 2, transposeB, transposeB ? k : n), Operand(y.floats, 0, false, n),
            m: m, n: n, k: k, accumulate: false, repeats: false)
    }

    // da = dy · op(b)ᵀ, db = op(a)ᵀ · dy, transposed where the input was; summed over repetitions
    func backward(_ run: Run) throws {
        let (dy, da, db) = (run.outputGradient(0), run.inputGradient(0), run.inputGradient(1))
        if !da.isAbsent && da.count > 0 {
            if dy.count == 0 {
                if !da.accumulates { zero(da.floats, da.count, run.host) }
            } else {
                let g = Operand(dy.floats, 0, false, n)
                let b = Operand(run.input(1).floats, 2, transposeB, transposeB ? k : n)
                let out = Operand(da.floats, 1, false, transposeA ? m : k)
                let begun = begin(da, repeatsA, run)
                if transposeA {
                    try products(run, b, g.transposed, out, m: k, n: m, k: n, accumulate: begun, repeats: repeatsA)
                } else {
                    try products(run, g, b.transposed, out, m: m, n: k, k: n, accumulate: begun, repeats: repeatsA)
                }
            }
        }
        if !db.isAbsent && db.count > 0 {
            if dy.count == 0 {
                if !db.accumulates { zero(db.floats, db.count, run.host) }
            } else {
                let g = Operand(dy.floats, 0, false, n)
                let a = Operand(run.input(0).floats, 1, transposeA, transposeA ? m : k)
                let out = Operand(db.floats, 2, false, transposeB ? k : n)
                let begun = begin(db, repeatsB, run)
                if transposeB {
                    try products(run, g.transposed, a, out, m: n, n: k, k: m, accumulate: begun, repeats: repeatsB)
                } else {
                    try products(run, a.transposed, g, out, m: k, n: n, k: m, accumulate: begun, repeats: repeatsB)
                }
            }
        }
    }

    /// Whether products have to be added to the gradient, which is zeroed first if several of them go there.
    private func begin(_ gradient: Tensor, _ repeats: Bool, _ run: Run) -> Bool {
        if gradient.accumulates { return true }
        if repeats { zero(gradient.floats, gradient.count, run.host) }
        return repeats
    }

    /// A matrix of the batch: memory, lane, whether it is to be transposed, distance of its rows.
    private struct Operand {
        let memory: UnsafeMutablePointer<Float>
        let lane: Int
        let isTransposed: Bool
        let rowStride: Int

        init(_ memory: UnsafeMutablePointer<Float>, _ lane: Int, _ isTransposed: Bool, _ rowStride: Int) {
            (self.memory, self.lane, self.isTransposed, self.rowStride) = (memory, lane, isTransposed, rowStride)
        }

        var transposed: Operand { Operand(memory, lane, !isTransposed, rowStride) }
    }

    /// out = left · right (or += ), for every matrix of the batch.
    private func products(
        _ run: Run, _ left: Operand, _ right: Operand, _ out: Operand, m: Int, n: Int, k: Int, accumulate: Bool,
        repeats: Bool
    ) throws {
        let (count, step) = (batch.run, batch.runStrides)
        // Products that go to the same place one by one, the others in one call.
        let isSerial = repeats && count > 1 && step[out.lane] == 0
        var failure: (any Error)?
        batch.forEachRun(0, batch.runs) { offsets in
            for index in 0..<(isSerial ? count : 1) where failure == nil {
                let at = offsets &+ step &* index
                do {
                    try run.host.gemm(
                        transposeA: left.isTransposed, transposeB: right.isTransposed, m: m, n: n, k: k,
                        a: left.memory + at[left.lane], lda: left.rowStride, b: right.memory + at[right.lane],
                        ldb: right.rowStride, beta: accumulate ? 1 : 0, c: out.memory + at[out.lane],
                        ldc: out.rowStride, batch: isSerial ? 1 : count, strideA: step[left.lane],
                        strideB: step[right.lane], strideC: step[out.lane])
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }
}
