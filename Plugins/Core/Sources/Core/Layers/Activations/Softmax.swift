import CLaminaMath
import LaminaSDK

/// Softmax along one axis: yᵢ = e^(xᵢ − max x) / Σⱼ e^(xⱼ − max x).
///
/// Any shape and layout. Goodfellow, Bengio, Courville: Deep Learning (2016), section 6.2.2.3.
struct Softmax: TangentLayer {
    static let name = "softmax"
    static let documentation = "Softmax along one axis: exponentials that sum to 1."
    static let attributes: [AttributeSchema] = [
        .integer("axis", default: -1, "the axis along which the outputs sum to 1; negative ones count from the end")
    ]

    let axis: Int

    init(_ attributes: Attributes) { axis = attributes.integer("axis") }

    func infer(_ inference: Inference) throws { try inferSoftmax(inference, axis) }

    func plan(_ planning: Planning) -> any PlannedLayer {
        planSoftmax(planning)
        return SoftmaxPlan(lines: Lines(planning.input(0), axis))
    }

    // ẏ = y ⊙ (ẋ − Σ y ⊙ ẋ)
    func expandTangent(_ tangent: TangentExpansion) throws {
        let difference = try tangent.deviation(from: tangent.output(), axis: axis)
        try tangent.addOutput(
            tangent.add("core.\(Multiply.name)", name: "tangent", inputs: [tangent.output(), difference]))
    }
}

extension TangentExpansion {
    /// Adds the nodes for ẋ − Σ p ⊙ ẋ along an axis: by how much the direction is above its mean under probabilities p.
    func deviation(from probabilities: String, axis: Int) throws -> String {
        let product = try add("core.\(Multiply.name)", name: "product", inputs: [probabilities, tangent()])
        let mean = try add(
            "core.\(ReduceSum.name)", name: "mean", inputs: [product],
            ["axes": .integers([axis]), "keep_dimensions": .bool(true)])
        return try add("core.\(Subtract.name)", name: "deviation", inputs: [tangent(), mean])
    }
}

func inferSoftmax(_ inference: Inference, _ axis: Int) throws {
    try inference.require(0, .float32)
    let shape = inference.shape(0)
    _ = try inference.axis(axis, "axis", of: shape)
    try inference.addOutput(.float32, shape)
    inference.setLayouts(.any)
}

func planSoftmax(_ planning: Planning) {
    if planning.wantsInputGradient(0) { planning.saveOutput(0) }
    planning.allowReuse()
    planning.allowGradientReuse()
    let n = Double(planning.input(0).count)
    planning.setFLOPs(forward: 14 * n, backward: 5 * n)
}

/// A tensor seen as `outer` blocks of [length, inner] elements: the lines along one axis.
struct Lines {
    let outer: Int
    let length: Int
    let inner: Int

    init(_ tensor: Tensor, _ axis: Int) {
        let order = PhysicalOrder(tensor)
        let position = order.position(of: resolved(axis, rank: tensor.rank))
        outer = order.product(0, position)
        length = order.sizes[position]
        inner = order.product(position + 1, tensor.rank)
    }

    var isEmpty: Bool { outer == 0 || length == 0 || inner == 0 }
    /// How many of the outer blocks make a chunk of work.
    var grain: Int { max(1, elementGrain / max(1, length * inner)) }
}

struct SoftmaxPlan: PlannedLayer {
    let lines: Lines

    func forward(_ run: Run) {
        if lines.isEmpty { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let (length, inner) = (lines.length, lines.inner)
        run.host.parallelFor(lines.outer, grain: lines.grain) { begin, end in
            for block in begin..<end {
                let start = block &* length &* inner
                if inner == 1 {
                    lamina_math_softmax_row(x + start, y + start, Int64(length))
                } else {
                    softmaxColumns(x + start, y + start, length, inner)
                }
            }
        }
    }

    // dx = y · (dy − Σ dy · y)
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        if dx.isAbsent || lines.isEmpty { return }
        let (y, dy, pdx, accumulate) = (run.output(0).floats, run.outputGradient(0).floats, dx.floats, dx.accumulates)
        let (length, inner) = (lines.length, lines.inner)
        run.host.parallelFor(lines.outer, grain: lines.grain) { begin, end in
            for block in begin..<end {
                let start = block &* length &* inner
                if inner == 1 {
                    lamina_math_softmax_grad_row(y + start, dy + start, pdx + start, Int64(length), accumulate)
                    continue
                }
                forEachVector(inner) { i, remaining in
                    var dot = Vector()
                    var at = start &+ i
                    for _ in 0..<length {
                        dot += y.vector(at, remaining) * dy.vector(at, remaining)
                        at &+= inner
                    }
                    at = start &+ i
                    for _ in 0..<length {
                        let gradient = y.vector(at, remaining) * (dy.vector(at, remaining) - dot)
                        pdx.store(gradient, at, remaining, accumulate: accumulate)
                        at &+= inner
                    }
                }
            }
        }
    }
}

/// Softmax down the columns of a [length, inner] matrix.
private func softmaxColumns(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ length: Int, _ inner: Int
) {
    forEachVector(inner) { i, remaining in
        let greatest = columnMaximum(x, length, inner, i, remaining)
        for row in 0..<length {
            let at = row &* inner &+ i
            y.store(x.vector(at, remaining) - greatest, at, remaining)
        }
    }
    lamina_math_exp(y, y, Int64(length &* inner))
    forEachVector(inner) { i, remaining in
        var sum = Vector()
        for row in 0..<length { sum += y.vector(row &* inner &+ i, remaining) }
        for row in 0..<length {
            let at = row &* inner &+ i
            y.store(y.vector(at, remaining) / sum, at, remaining)
        }
    }
}

/// The greatest element of each of 16 columns; NaN where there is one.
@inline(__always)
func columnMaximum(
    _ x: UnsafePointer<Float>, _ length: Int, _ inner: Int, _ column: Int, _ remaining: Int
) -> Vector {
    var greatest = Vector(repeating: -.infinity)
    for row in 0..<length {
        let v = x.vector(row &* inner &+ column, remaining)
        greatest.replace(with: v, where: (v .> greatest) .| (v .!= v))
    }
    return greatest
}
