import CLaminaMath
import LaminaSDK

/// The Gaussian error linear unit, y = x · Φ(x), with the normal distribution function Φ(x) = (1 + erf(x/√2)) / 2.
///
/// With `approximate: tanh`, Φ(x) ≈ (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2.
/// Hendrycks, Gimpel: Gaussian Error Linear Units, arXiv 1606.08415.
struct GELU: Activation {
    static let name = "gelu"
    static let documentation = "Gaussian error linear unit: y = x · Φ(x)."
    static let attributes: [AttributeSchema] = [
        .string("approximate", default: "none", choices: ["none", "tanh"], "none: exact; tanh: the approximation")
    ]
    static let derivativeOf = DerivativeSource.input
    static let operations = 25.0

    let usesTanh: Bool

    init(_ attributes: Attributes) { usesTanh = attributes.string("approximate") == "tanh" }

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        if usesTanh { lamina_math_gelu_tanh(x, y, Int64(n)) } else { lamina_math_gelu(x, y, Int64(n)) }
    }

    // dx = dy · (Φ(x) + x · Φ′(x))
    func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        if usesTanh {
            lamina_math_gelu_tanh_grad(x, dy, dx, Int64(n), accumulate)
        } else {
            lamina_math_gelu_grad(x, dy, dx, Int64(n), accumulate)
        }
    }
}
