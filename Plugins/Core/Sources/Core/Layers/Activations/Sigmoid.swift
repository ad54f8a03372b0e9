import CLaminaMath
import LaminaSDK

/// The logistic function, y = 1 / (1 + e⁻ˣ).
///
/// Goodfellow, Bengio, Courville: Deep Learning (2016), section 3.10.
struct Sigmoid: Activation {
    static let name = "sigmoid"
    static let documentation = "Logistic function: y = 1 / (1 + exp(-x))."
    static let derivativeOf = DerivativeSource.output
    static let operations = 12.0

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        lamina_math_sigmoid(x, y, Int64(n))
    }

    // dx = dy · y · (1 − y)
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        lamina_math_sigmoid_grad(y, dy, dx, Int64(n), accumulate)
    }

    // h = y · (1 − y),  ∂h/∂y = 1 − 2y
    func curvature(_ y: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in slope.store(1 - 2 * y.vector(i, remaining), i, remaining) }
    }
}
