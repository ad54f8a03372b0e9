import CLaminaMath
import LaminaSDK

/// The sigmoid linear unit or swish, y = x · σ(x).
///
/// Elfwing, Uchibe, Doya: Sigmoid-Weighted Linear Units, Neural Networks 107 (2018); Ramachandran, Zoph, Le:
/// Searching for Activation Functions, arXiv 1710.05941.
struct SiLU: Activation {
    static let name = "silu"
    static let documentation = "Sigmoid linear unit or swish: y = x · sigmoid(x)."
    static let derivativeOf = DerivativeSource.input
    static let operations = 13.0

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        lamina_math_silu(x, y, Int64(n))
    }

    // dx = dy · σ(x) · (1 + x · (1 − σ(x)))
    func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        lamina_math_silu_grad(x, dy, dx, Int64(n), accumulate)
    }

    // f″ = σ(x) · (1 − σ(x)) · (2 + x · (1 − 2σ(x)))
    func curvature(_ x: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        lamina_math_sigmoid(x, slope, Int64(n))
        forEachVector(n) { i, remaining in
            let (v, s) = (x.vector(i, remaining), slope.vector(i, remaining))
            slope.store(s * (1 - s) * (2 + v * (1 - 2 * s)), i, remaining)
        }
    }
}
