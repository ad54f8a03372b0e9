import CLaminaMath
import Glibc
import LaminaSDK

/// A bottleneck behind a trained layer: y = x + W₂ · act(W₁ · x + b₁) + b₂.
///
/// x and y are [..., D]; `down.weight` W₁ is [size, D], `down.bias` b₁ [size], `up.weight` W₂ [D, size], `up.bias` b₂ [D]. W₁ and
/// b₁ start uniform within ±1/√D, W₂ and b₂ at 0: at first y is x. It cannot be folded into the layer before, because
/// the activation stands between.
///
/// Houlsby, Giurgiu, Jastrzebski, Morrone, de Laroussilhe, Gesmundo, Attariyan, Gelly: Parameter-Efficient Transfer
/// Learning for NLP, ICML 2019.
struct Adapter: Layer {
    static let name = "adapter"
    static let documentation = "Adds a trained bottleneck to the output of the layer behind which it stands."
    static let attributes: [AttributeSchema] = [
        .integer("size", default: 64, 1...1e6, "the width of the bottleneck"),
        .string(
            "activation", default: "gelu", choices: Activation.allCases.map(\.rawValue), "what bends in the bottleneck"),
    ]

    enum Activation: String, CaseIterable {
        case relu, gelu, gelu_tanh, silu, tanh

        func apply(_ z: UnsafePointer<Float>, _ a: UnsafeMutablePointer<Float>, _ n: Int) {
            switch self {
            case .relu: lamina_math_relu(z, a, Int64(n))
            case .gelu: lamina_math_gelu(z, a, Int64(n))
            case .gelu_tanh: lamina_math_gelu_tanh(z, a, Int64(n))
            case .silu: lamina_math_silu(z, a, Int64(n))
            case .tanh: lamina_math_tanh(z, a, Int64(n))
            }
        }

        /// dz from da, of z and a = act(z).
        func gradient(
            _ z: UnsafePointer<Float>, _ a: UnsafePointer<Float>, _ da: UnsafePointer<Float>,
            _ dz: UnsafeMutablePointer<Float>, _ n: Int
        ) {
            switch self {
            case .relu: lamina_math_relu_grad(a, da, dz, Int64(n), false)
            case .gelu: lamina_math_gelu_grad(z, da, dz, Int64(n), false)
            case .gelu_tanh: lamina_math_gelu_tanh_grad(z, da, dz, Int64(n), false)
            case .silu: lamina_math_silu_grad(z, da, dz, Int64(n), false)
            case .tanh: lamina_math_tanh_grad(a, da, dz, Int64(n), false)
            }
        }
    }

    let size: Int
    let activation: Activation

    init(_ attributes: Attributes) {
        size = attributes.integer("size")
        activation = Activation(rawValue: attributes.string("activation"))!
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard let last = shape.last else {
            throw PluginError.shape("the input is a scalar, wanted [..., features]", input: 0)
        }
        let features = try inference.literal(last, "the input's last dimension, on which the weights' shapes depend,")
        let bound = features > 0 ? 1 / Double(features).squareRoot() : 0
        let range: KeyValuePairs<String, AttributeValue> = ["low": .real(-bound), "high": .real(bound)]
        let zero: KeyValuePairs<String, AttributeValue> = ["value": .real(0)]
        try inference.addParameter("down.weight", [size, features], initializer: "core.uniform", range)
        try inference.addParameter("down.bias", [size], initializer: "core.uniform", range, noDecay: true)
        try inference.addParameter("up.weight", [features, size], initializer: "core.constant", zero)
        try inference.addParameter("up.bias", [features], initializer: "core.constant", zero, noDecay: true)
        try inference.addOutput(.float32, shape)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let x = planning.input(0)
        let (rows, features) = (x.product(0, x.rank - 1), x.size(x.rank - 1))
        let wantsInput = planning.wantsInputGradient(0)
        let wanted = (0..<4).map(planning.wantsParameterGradient)
        let isTrained = wantsInput || wanted.contains(true)
        let hidden = rows * size * 4
        if x.rank >= 3 { planning.allowSteps() }
        planning.allowReuse()
        if wanted[0] { planning.saveInput(0) }
        if isTrained { planning.save(bytes: 2 * hidden) }
        planning.setWorkspace(forward: isTrained ? 0 : 2 * hidden, backward: isTrained ? hidden : 0)
        let product = 2 * Double(rows) * Double(features) * Double(size)
        let inner = wantsInput || wanted[0] || wanted[1]
        planning.setFLOPs(
            forward: 2 * product,
            backward: product
                * Double((wanted[2] ? 1 : 0) + (inner ? 1 : 0) + (wanted[0] ? 1 : 0) + (wantsInput ? 1 : 0)))
        return AdapterPlan(rows: rows, features: features, size: size, activation: activation, isTrained: isTrained)
    }
}

struct AdapterPlan: PlannedLayer {
    let rows, features, size: Int
    let activation: Adapter.Activation
    let isTrained: Bool

    private var hidden: Int { rows * size }

    /// z = W₁ x + b₁, and act(z) behind it.
    private func memory(_ run: Run) -> UnsafeMutablePointer<Float> {
        (isTrained ? run.saved(0) : run.workspace).assumingMemoryBound(to: Float.self)
    }

    func forward(_ run: Run) throws {
        if rows == 0 || features == 0 { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let z = memory(run)
        let a = z + hidden
        try run.host.gemm(
            transposeB: true, m: rows, n: size, k: features, a: x, lda: features, b: run.parameter(0).floats,
            ldb: features, c: z, ldc: size, bias: run.parameter(1).floats)
        run.host.parallelFor(hidden, grain: elementGrain) { begin, end in
            activation.apply(z + begin, a + begin, end &- begin)
        }
        if x != y {
            let width = features
            run.host.parallelFor(rows, grain: max(1, elementGrain / width)) { begin, end in
                memcpy(y + begin &* width, x + begin &* width, (end &- begin) &* width &* 4)
            }
        }
        try run.host.gemm(
            transposeB: true, m: rows, n: features, k: size, a: a, lda: size, b: run.parameter(2).floats, ldb: size,
            beta: 1, c: y, ldc: features, bias: run.parameter(3).floats)
    }

    // dW₂ = dyᵀ a,  db₂ = Σ dy,  dz = (dy W₂) ∘ act'(z),  dW₁ = dzᵀ x,  db₁ = Σ dz,  dx = dy + dz W₁
    func backward(_ run: Run) throws {
        guard rows > 0, features > 0 else { return clearParameterGradients(run, 4) }
        let (dW1, db1, dW2, db2) = (
            run.parameterGradient(0), run.parameterGradient(1), run.parameterGradient(2), run.parameterGradient(3)
        )
        let dx = run.inputGradient(0)
        let dy = UnsafePointer(run.outputGradient(0).floats)
        let z = memory(run)
        let a = z + hidden
        if !dW2.isAbsent {
            try run.host.gemm(
                transposeA: true, m: features, n: size, k: rows, a: dy, lda: features, b: a, ldb: size,
                beta: dW2.accumulates ? 1 : 0, c: dW2.floats, ldc: size)
        }
        if !db2.isAbsent { sum(run, dy, features, into: db2) }
        if dW1.isAbsent && db1.isAbsent && dx.isAbsent { return }
        let dz = run.workspace.assumingMemoryBound(to: Float.self)
        try run.host.gemm(
            m: rows, n: size, k: features, a: dy, lda: features, b: run.parameter(2).floats, ldb: size, c: dz, ldc: size
        )
        run.host.parallelFor(hidden, grain: elementGrain) { begin, end in
            activation.gradient(z + begin, a + begin, dz + begin, dz + begin, end &- begin)
        }
        if !dW1.isAbsent {
            try run.host.gemm(
                transposeA: true, m: size, n: features, k: rows, a: dz, lda: size, b: run.input(0).floats,
                ldb: features, beta: dW1.accumulates ? 1 : 0, c: dW1.floats, ldc: features)
        }
        if !db1.isAbsent { sum(run, dz, size, into: db1) }
        if dx.isAbsent { return }
        scaleGradient(run, by: 1)
        try run.host.gemm(
            m: rows, n: features, k: size, a: dz, lda: size, b: run.parameter(0).floats, ldb: features, beta: 1,
            c: dx.floats, ldc: features)
    }

    /// Columns in parallel, rows in their order, so that threads do not show.
    private func sum(_ run: Run, _ x: UnsafePointer<Float>, _ width: Int, into out: Tensor) {
        let (to, accumulates) = (out.floats, out.accumulates)
        run.host.parallelFor(width, grain: max(16, elementGrain / rows)) { begin, end in
            sumRows(x, rows: rows, stride: width, begin, end, into: to, accumulate: accumulates)
        }
    }
}
