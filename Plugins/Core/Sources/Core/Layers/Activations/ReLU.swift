import CLaminaMath
import LaminaSDK

/// The rectifier, y = max(0, x).
///
/// Nair, Hinton: Rectified Linear Units Improve Restricted Boltzmann Machines, ICML 2010.
struct ReLU: PiecewiseLinearActivation {
    static let name = "relu"
    static let documentation = "Rectifier: y = max(0, x)."
    static let derivativeOf = DerivativeSource.output
    static let operations = 1.0

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        lamina_math_relu(x, y, Int64(n))
    }

    // dx = dy where y > 0, otherwise 0
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        forEachVector(n) { i, remaining in
            let gradient = dy.vector(i, remaining).replacing(with: 0, where: y.vector(i, remaining) .<= 0)
            dx.store(gradient, i, remaining, accumulate: accumulate)
        }
    }
}
