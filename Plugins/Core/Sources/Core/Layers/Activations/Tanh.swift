import CLaminaMath
import LaminaSDK

/// The hyperbolic tangent, y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).
///
/// LeCun, Bottou, Orr, Müller: Efficient BackProp (1998), section 4.4.
struct Tanh: Activation {
    static let name = "tanh"
    static let documentation = "Hyperbolic tangent."
    static let derivativeOf = DerivativeSource.output
    static let operations = 14.0

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        lamina_math_tanh(x, y, Int64(n))
    }

    // dx = dy · (1 − y²)
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        lamina_math_tanh_grad(y, dy, dx, Int64(n), accumulate)
    }

    // h = 1 − y²,  ∂h/∂y = −2y
    func curvature(_ y: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in slope.store(-2 * y.vector(i, remaining), i, remaining) }
    }
}
