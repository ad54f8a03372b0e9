import CLaminaMath
import Glibc
import LaminaSDK

/// Minibatch discrimination: tells a discriminator how close a sample is to the others of its batch.
///
/// x is [N, F], T (`weight`) [F, kernels, dimensions], y [N, F + kernels]: x itself, and behind it for each kernel b
/// o[i, b] = Σ over j of exp(−‖M[i, b] − M[j, b]‖₁) with M = x · T; j runs over the whole batch, i included. T begins
/// normally distributed with deviation 1/√F. Source: Salimans et al., Improved techniques for training GANs (2016),
/// section 3.2.
struct MinibatchDiscrimination: Layer {
    static let name = "minibatch_discrimination"
    static let documentation = "Appends to each sample how close it is to the others of its batch."
    static let attributes: [AttributeSchema] = [
        .integer("kernels", default: 50, 1...1e6, "number of features that are appended"),
        .integer("dimensions", default: 5, 1...1e6, "size of the space in which a kernel compares samples"),
    ]

    let kernels, dimensions: Int

    init(_ attributes: Attributes) {
        (kernels, dimensions) = (attributes.integer("kernels"), attributes.integer("dimensions"))
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard shape.count == 2 else {
            throw PluginError.shape(
                "input has shape \(inference.host.text(shape)), wanted [N, F]: put a core.flatten before it", input: 0)
        }
        let features = try inference.literal(shape[1], "the number of features, on which the weight's shape depends,")
        guard features > 0 else { throw PluginError.shape("the input has 0 features, wanted at least 1", input: 0) }
        try inference.addParameter(
            "weight", [features, kernels, dimensions], initializer: "core.normal",
            ["std": .real(1 / Double(features).squareRoot())])
        try inference.addOutput(.float32, [shape[0], Dimension(features + kernels)])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let (batch, features) = (planning.input(0).size(0), planning.input(0).size(1))
        let plan = MinibatchDiscriminationPlan(
            batch: batch, features: features, kernels: kernels, dimensions: dimensions,
            isTrained: planning.wantsInputGradient(0) || planning.wantsParameterGradient(0))
        let (projected, rows) = (plan.projectedBytes, plan.rowBytes)
        if plan.isTrained { planning.save(bytes: projected) }
        if planning.wantsParameterGradient(0) { planning.saveInput(0) }
        planning.setWorkspace(
            forward: rows + (plan.isTrained ? 0 : projected), backward: plan.isTrained ? rows + projected : 0)
        let product = 2 * Double(batch) * Double(features) * Double(kernels * dimensions)
        let pairs = Double(batch) * Double(batch) * Double(kernels) * Double(dimensions)
        planning.setFLOPs(forward: product + 3 * pairs, backward: 2 * product + 6 * pairs)
        return plan
    }
}

struct MinibatchDiscriminationPlan: PlannedLayer {
    let batch, features, kernels, dimensions: Int
    /// Some gradient is wanted: forward keeps M.
    let isTrained: Bool

    private typealias Values = UnsafeMutablePointer<Float>

    private var columns: Int { kernels * dimensions }
    /// Mᵀ [kernels · dimensions, N], or its gradient.
    var projectedBytes: Int { columns * batch * 4 }
    /// A row of similarities for each kernel.
    var rowBytes: Int { kernels * batch * 4 }
    private var width: Int { features + kernels }
    /// Kernels per task: about 32,768 differences.
    private var grain: Int { max(1, 32768 / max(1, batch * batch * dimensions)) }

    /// Mᵀ is behind the rows when nothing is kept.
    private func projected(_ run: Run) -> Values {
        let memory = isTrained ? run.saved(0) : run.workspace + rowBytes
        return memory.assumingMemoryBound(to: Float.self)
    }

    func forward(_ run: Run) throws {
        if batch == 0 { return }
        let (x, y, m) = (run.input(0).floats, run.output(0).floats, projected(run))
        try run.host.gemm(
            transposeA: true, transposeB: true, m: columns, n: batch, k: features, a: run.parameter(0).floats,
            lda: columns, b: x, ldb: features, c: m, ldc: batch)
        for row in 0..<batch { memcpy(y + row &* width, x + row &* features, features &* 4) }
        let rows = run.workspace.assumingMemoryBound(to: Float.self)
        run.host.parallelFor(kernels, grain: grain) { begin, end in
            for b in begin..<end {
                let (c, m) = (rows + b &* batch, m + b &* dimensions &* batch)
                for i in 0..<batch {
                    similarities(m, i, into: c)
                    y[i &* width &+ features &+ b] = Float(lamina_math_sum(c, Int64(batch)))
                }
            }
        }
    }

    /// c[j] = exp(−Σ over d of |m[d, i] − m[d, j]|)
    private func similarities(_ m: Values, _ i: Int, into c: Values) {
        lamina_math_fill(0, c, Int64(batch))
        for d in 0..<dimensions {
            let row = m + d &* batch
            let own = row[i]
            for j in 0..<batch { c[j] -= abs(row[j] - own) }
        }
        lamina_math_exp(c, c, Int64(batch))
    }

    // c = c_b(i, j), g = dL/do:  dM[j] += −(g[i] + g[j]) · c · sign(M[j] − M[i]);  dx = dy_x + dM · Tᵀ;  dT = xᵀ · dM
    func backward(_ run: Run) throws {
        let (dx, dT) = (run.inputGradient(0), run.parameterGradient(0))
        if batch == 0 {
            if !dT.isAbsent && !dT.accumulates { memset(dT.floats, 0, dT.count &* 4) }
            return
        }
        let (dy, m) = (run.outputGradient(0).floats, projected(run))
        let rows = run.workspace.assumingMemoryBound(to: Float.self)
        let dM = rows + kernels * batch
        run.host.parallelFor(kernels, grain: grain) { begin, end in
            for b in begin..<end {
                let offset = b &* dimensions &* batch
                gradient(m + offset, dy + features + b, rows + b &* batch, into: dM + offset)
            }
        }
        if !dT.isAbsent {
            try run.host.gemm(
                transposeA: true, transposeB: true, m: features, n: columns, k: batch, a: run.input(0).floats,
                lda: features, b: dM, ldb: batch, beta: dT.accumulates ? 1 : 0, c: dT.floats, ldc: columns)
        }
        if dx.isAbsent { return }
        for row in 0..<batch {
            let (to, from) = (dx.floats + row &* features, dy + row &* width)
            if dx.accumulates {
                lamina_math_add(to, from, to, Int64(features))
            } else {
                memcpy(to, from, features &* 4)
            }
        }
        try run.host.gemm(
            transposeA: true, transposeB: true, m: batch, n: features, k: columns, a: dM, lda: batch,
            b: run.parameter(0).floats, ldb: columns, beta: 1, c: dx.floats, ldc: features)
    }

    /// dM of one kernel; `dy` is its column of the output's gradient.
    private func gradient(_ m: Values, _ dy: Values, _ c: Values, into dM: Values) {
        lamina_math_fill(0, dM, Int64(dimensions * batch))
        for i in 0..<batch {
            similarities(m, i, into: c)
            let own = dy[i &* width]
            for j in 0..<batch { c[j] *= -(own + dy[j &* width]) }
            for d in 0..<dimensions {
                let (row, sums) = (m + d &* batch, dM + d &* batch)
                let value = row[i]
                for j in 0..<batch {
                    let difference = row[j] - value
                    sums[j] += difference > 0 ? c[j] : difference < 0 ? -c[j] : 0
                }
            }
        }
    }
}
