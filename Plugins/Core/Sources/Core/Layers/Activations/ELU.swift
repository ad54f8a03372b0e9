import CLaminaMath
import LaminaSDK

/// The exponential linear unit, y = x for x > 0 and alpha · (eˣ − 1) otherwise.
///
/// Clevert, Unterthiner, Hochreiter: Fast and Accurate Deep Network Learning by Exponential Linear Units, ICLR 2016.
struct ELU: Activation {
    static let name = "elu"
    static let documentation = "Exponential linear unit: y = x for x > 0, alpha · (exp(x) - 1) otherwise."
    static let attributes: [AttributeSchema] = [
        .real("alpha", default: 1, 0...Double.infinity, "the negative of the limit for x → -∞")
    ]
    static let derivativeOf = DerivativeSource.output
    static let operations = 12.0

    let alpha: Float

    init(_ attributes: Attributes) { alpha = attributes.float("alpha") }

    var settings: KeyValuePairs<String, AttributeValue> { ["alpha": .real(Double(alpha))] }

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        exponentialLinear(x, y, n, positive: 1, negative: alpha)
    }

    // dx = dy for y > 0, dy · (y + alpha) otherwise: alpha · eˣ = y + alpha
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        exponentialLinearGradient(y, dy, dx, n, positive: 1, negative: alpha, accumulate: accumulate)
    }

    // h = 1 for y > 0, y + alpha otherwise
    func curvature(_ y: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        exponentialLinearCurvature(y, slope, n)
    }
}

/// y = positive · x for x > 0, negative · (eˣ − 1) otherwise.
func exponentialLinear(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, positive: Float, negative: Float
) {
    withBlocks(n) { begin, count, block in
        lamina_math_expm1(x + begin, block, Int64(count))
        forEachVector(count) { i, remaining in
            let v = x.vector(begin &+ i, remaining)
            let below = block.vector(i, remaining) * negative
            y.store(below.replacing(with: v * positive, where: v .> 0), begin &+ i, remaining)
        }
    }
}

/// dx = positive · dy for y > 0, dy · (y + negative) otherwise.
func exponentialLinearGradient(
    _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
    positive: Float, negative: Float, accumulate: Bool
) {
    forEachVector(n) { i, remaining in
        let (v, g) = (y.vector(i, remaining), dy.vector(i, remaining))
        let gradient = (g * (v + negative)).replacing(with: g * positive, where: v .> 0)
        dx.store(gradient, i, remaining, accumulate: accumulate)
    }
}

/// 0 for y > 0, 1 otherwise: the slope of `exponentialLinearGradient` along y.
func exponentialLinearCurvature(_ y: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
    forEachVector(n) { i, remaining in
        slope.store(Vector(repeating: 1).replacing(with: 0, where: y.vector(i, remaining) .> 0), i, remaining)
    }
}
