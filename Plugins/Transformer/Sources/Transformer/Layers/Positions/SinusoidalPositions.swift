import CLaminaMath
import LaminaSDK

/// Sines and cosines of the position, added to each step: y[n, t] = scale · x[n, t] + PE[t].
///
///     PE[t, 2 i] = sin(t · base^(-2 i / D)),    PE[t, 2 i + 1] = cos(t · base^(-2 i / D))
///
/// x and y are [N, T, D], of any length T; there is nothing to train. The paper multiplies embeddings by √D first:
/// `scale`. Vaswani et al.: Attention Is All You Need (2017), section 3.5.
struct SinusoidalPositions: Layer {
    static let name = "sinusoidal_positions"
    static let documentation = "Adds sines and cosines of the position to each step."
    static let attributes: [AttributeSchema] = [
        .real("base", default: 10000, 1e-6...1e12, "wavelengths grow from 2π towards 2π times this"),
        .real("scale", default: 1, "what the input is multiplied by; the paper's embeddings: the root of their size"),
    ]

    let base, scale: Double

    init(_ attributes: Attributes) {
        base = attributes.real("base")
        scale = attributes.real("scale")
    }

    func infer(_ inference: Inference) throws {
        try inference.addOutput(.float32, inference.sequence(0, "input"))
    }

    func plan(_ planning: Planning) -> any PlannedLayer { SinusoidalPositionsPlan(planning, self) }
}

struct SinusoidalPositionsPlan: PlannedLayer {
    private let table: PositionTable
    private let width: Int
    /// Floats of a sample.
    private let length: Int
    private let scale: Float

    init(_ planning: Planning, _ layer: SinusoidalPositions) {
        let x = planning.input(0)
        (width, length, scale) = (x.size(2), x.size(1) * x.size(2), Float(layer.scale))
        table = PositionTable(planning, steps: x.size(1), width: width, base: layer.base)
        planning.allowReuse()
        if scale == 1 { planning.allowGradientView() } else { planning.allowGradientReuse() }
        planning.setFLOPs(forward: 2 * Double(x.count), backward: scale == 1 ? 0 : Double(x.count))
    }

    func forward(_ run: Run) {
        let count = run.input(0).count
        if count == 0 { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let rows = table.rows(run, size: width) { row, pair, cosine, sine in
            row[2 &* pair] = sine
            if 2 &* pair &+ 1 < width { row[2 &* pair &+ 1] = cosine }
        }
        run.host.parallelFor(count, grain: elementGrain) { begin, end in
            forEachSample(length, begin, end) { element, place, count in
                lamina_math_add_scaled(rows + place, scale, x + element, y + element, Int64(count))
            }
        }
    }

    // dx = scale · dy
    func backward(_ run: Run) { scaleGradient(run, by: scale) }
}

/// Cuts elements `begin` ..< `end` of samples of `length` where a sample ends: `place` is where a piece begins in its
/// sample.
@inline(__always)
func forEachSample(
    _ length: Int, _ begin: Int, _ end: Int, _ body: (_ element: Int, _ place: Int, _ count: Int) -> Void
) {
    var element = begin
    while element < end {
        let place = element % length
        let count = min(length &- place, end &- element)
        body(element, place, count)
        element &+= count
    }
}
