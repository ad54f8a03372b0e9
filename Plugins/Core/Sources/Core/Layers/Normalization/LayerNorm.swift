import Glibc
import LaminaSDK

/// Layer normalisation: y = (x − μ) / √(σ² + epsilon) · weight + bias, with μ and σ² over the last `dimensions` axes.
///
/// x is [..., d₁, …, d_k]; weight and bias are [d₁, …, d_k]. Ba, Kiros, Hinton: Layer Normalization, arXiv 1607.06450.
struct LayerNorm: TangentLayer {
    static let name = "layer_norm"
    static let documentation = "Normalisation over the last axes."
    static let attributes: [AttributeSchema] = [
        .integer("dimensions", default: 1, 1...16, "how many of the last axes are normalised together"),
        .real("epsilon", default: 1e-5, 0...Double.infinity, "added to the variance"),
        .bool("affine", default: true, "trains a weight per element of the normalised axes"),
        .bool("bias", default: true, "trains a bias too; needs affine"),
    ]

    let dimensions: Int
    let epsilon: Float
    let hasWeight: Bool
    let hasBias: Bool

    init(_ attributes: Attributes) {
        dimensions = attributes.integer("dimensions")
        epsilon = attributes.float("epsilon")
        hasWeight = attributes.bool("affine")
        hasBias = hasWeight && attributes.bool("bias")
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard shape.count >= dimensions else {
            throw PluginError.shape(
                "the input has shape \(inference.host.text(shape)), but dimensions is \(dimensions): wanted as many "
                    + "axes", input: 0)
        }
        let normalized = try shape.suffix(dimensions).map {
            try inference.literal($0, "a normalised dimension, on which the weight's shape depends,")
        }
        if hasWeight {
            try inference.addParameter(
                "weight", normalized, initializer: "core.constant", ["value": .real(1)], noDecay: true)
        }
        if hasBias {
            try inference.addParameter(
                "bias", normalized, initializer: "core.constant", ["value": .real(0)], noDecay: true)
        }
        try inference.addOutput(.float32, shape)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { LayerNormPlan(planning, self) }

    func expandTangent(_ tangent: TangentExpansion) throws {
        try tangent.expandNormalization(
            ["dimensions": .integer(dimensions)], epsilon: Double(epsilon), affine: hasWeight)
    }
}

struct LayerNormPlan: PlannedLayer {
    private let rows: Int
    private let features: Int
    private let epsilon: Float
    private let hasWeight: Bool
    private let hasBias: Bool
    private let saves: Bool
    /// Rows of a chunk of the backward pass, each of which sums the parameters' gradients for itself.
    private let chunk: Int
    private let sumsParameters: Bool

    init(_ planning: Planning, _ layer: LayerNorm) {
        let x = planning.input(0)
        rows = x.product(0, x.rank - layer.dimensions)
        features = x.product(x.rank - layer.dimensions, x.rank)
        if x.rank - layer.dimensions >= 2 { planning.allowSteps() }
        (epsilon, hasWeight, hasBias) = (layer.epsilon, layer.hasWeight, layer.hasBias)
        sumsParameters =
            hasWeight && planning.wantsParameterGradient(0) || hasBias && planning.wantsParameterGradient(1)
        saves = planning.wantsInputGradient(0) || sumsParameters
        chunk = max(1, elementGrain / max(features, 1), (rows + 31) / 32)
        if saves {
            planning.saveInput(0)
            planning.save(bytes: 2 * rows * 4)
        } else {
            planning.allowReuse()
        }
        planning.allowGradientReuse()
        if sumsParameters { planning.setWorkspace(backward: (rows + chunk - 1) / chunk * 2 * features * 4) }
        planning.setFLOPs(forward: 8 * Double(x.count), backward: 12 * Double(x.count))
    }

    func forward(_ run: Run) {
        if rows == 0 || features == 0 { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let weight = hasWeight ? run.parameter(0).floats : nil
        let bias = hasBias ? run.parameter(1).floats : nil
        let saved = saves ? run.saved(0).assumingMemoryBound(to: Float.self) : nil
        run.host.parallelFor(rows, grain: max(1, elementGrain / features)) { begin, end in
            for row in begin..<end {
                let (x, y) = (x + row &* features, y + row &* features)
                let (mean, factor) = rowStatistics(x, features, epsilon: epsilon)
                if let saved {
                    saved[2 &* row] = mean
                    saved[2 &* row &+ 1] = factor
                }
                forEachVector(features) { i, remaining in
                    var v = (x.vector(i, remaining) - mean) * factor
                    if let weight { v *= weight.vector(i, remaining) }
                    if let bias { v += bias.vector(i, remaining) }
                    y.store(v, i, remaining)
                }
            }
        }
    }

    // x̂ = (x − μ) / σ;  g = dy · weight;  dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ;
    // dweight = Σ_rows dy · x̂;  dbias = Σ_rows dy
    func backward(_ run: Run) {
        if rows == 0 || features == 0 { return clearParameters(run) }
        if !saves { return }
        let dx = run.inputGradient(0)
        let (x, dy) = (run.input(0).floats, run.outputGradient(0).floats)
        let pdx = dx.isAbsent ? nil : dx.floats
        let accumulate = dx.accumulates
        let weight = hasWeight ? run.parameter(0).floats : nil
        let saved = run.saved(0).assumingMemoryBound(to: Float.self)
        let partials = sumsParameters ? run.workspace.assumingMemoryBound(to: Float.self) : nil
        run.host.parallelFor(rows, grain: chunk) { begin, end in
            let sums = partials.map { $0 + begin / chunk &* 2 &* features }
            if let sums { fill(sums, 2 &* features, 0) }
            for row in begin..<end {
                let (x, dy) = (x + row &* features, dy + row &* features)
                let (mean, factor) = (saved[2 &* row], saved[2 &* row &+ 1])
                if let sums { add(x, dy, mean, factor, to: sums) }
                if let pdx {
                    gradient(x, dy, weight, mean, factor, pdx + row &* features, accumulate: accumulate)
                }
            }
        }
        combine(run)
    }

    @inline(__always)
    private func gradient(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ weight: UnsafeMutablePointer<Float>?, _ mean: Float,
        _ factor: Float, _ dx: UnsafeMutablePointer<Float>, accumulate: Bool
    ) {
        var (total, product) = (Vector(), Vector())
        forEachVector(features) { i, remaining in
            var g = dy.vector(i, remaining)
            if let weight { g *= weight.vector(i, remaining) }
            total += g
            product += g * ((x.vector(i, remaining) - mean) * factor)
        }
        let average = total.sum() / Float(features)
        let slope = product.sum() / Float(features)
        forEachVector(features) { i, remaining in
            var g = dy.vector(i, remaining)
            if let weight { g *= weight.vector(i, remaining) }
            let normalized = (x.vector(i, remaining) - mean) * factor
            dx.store((g - average - normalized * slope) * factor, i, remaining, accumulate: accumulate)
        }
    }

    /// Adds one row to the sums for weight and bias.
    @inline(__always)
    private func add(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ mean: Float, _ factor: Float,
        to sums: UnsafeMutablePointer<Float>
    ) {
        forEachVector(features) { i, remaining in
            let g = dy.vector(i, remaining)
            let normalized = (x.vector(i, remaining) - mean) * factor
            sums.store(g * normalized, i, remaining, accumulate: true)
            sums.store(g, features &+ i, remaining, accumulate: true)
        }
    }

    /// Adds up the chunks' sums in order.
    private func combine(_ run: Run) {
        if !sumsParameters { return }
        let partials = run.workspace.assumingMemoryBound(to: Float.self)
        let chunks = (rows + chunk - 1) / chunk
        for index in 0..<(hasBias ? 2 : 1) {
            let gradient = run.parameterGradient(index)
            if gradient.isAbsent { continue }
            let (out, accumulate) = (gradient.floats, gradient.accumulates)
            forEachVector(features) { i, remaining in
                var total = Vector()
                for part in 0..<chunks {
                    total += partials.vector((2 &* part &+ index) &* features &+ i, remaining)
                }
                out.store(total, i, remaining, accumulate: accumulate)
            }
        }
    }

    private func clearParameters(_ run: Run) {
        for index in 0..<(hasBias ? 2 : hasWeight ? 1 : 0) {
            let gradient = run.parameterGradient(index)
            if gradient.isAbsent || gradient.accumulates || gradient.count == 0 { continue }
            fill(gradient.floats, gradient.count, 0)
        }
    }
}

/// Mean and 1 / √(variance + epsilon) of one row, in two passes, so that nothing cancels.
@inline(__always)
func rowStatistics(_ x: UnsafePointer<Float>, _ features: Int, epsilon: Float) -> (mean: Float, factor: Float) {
    var sum = Vector()
    forEachVector(features) { i, remaining in sum += x.vector(i, remaining) }
    let mean = sum.sum() / Float(features)
    var squares = Vector()
    forEachVector(features) { i, remaining in
        let d = masked(x.vector(i, remaining) - mean, remaining, 0)
        squares += d * d
    }
    return (mean, 1 / (squares.sum() / Float(features) + epsilon).squareRoot())
}
