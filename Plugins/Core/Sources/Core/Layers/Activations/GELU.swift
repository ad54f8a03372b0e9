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

    var settings: KeyValuePairs<String, AttributeValue> { ["approximate": .string(usesTanh ? "tanh" : "none")] }

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

    // f″ = φ(x) · (2 − x²), with the density φ = Φ′; beyond ±30 it is 0, and squares could overflow
    func curvature(_ x: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        if usesTanh { return tanhCurvature(x, slope, n) }
        forEachVector(n) { i, remaining in
            let v = clamp(x.vector(i, remaining), -30, 30)
            slope.store(v * v * -0.5, i, remaining)
        }
        lamina_math_exp(slope, slope, Int64(n))
        let density = Float(1 / (2 * Double.pi).squareRoot())
        forEachVector(n) { i, remaining in
            let v = clamp(x.vector(i, remaining), -30, 30)
            slope.store(slope.vector(i, remaining) * density * (2 - v * v), i, remaining)
        }
    }

    // u = √(2/π) · (x + 0.044715 x³), t = tanh u:  f″ = (1 − t²) · (u′ + x · (u″ / 2 − t · u′²))
    private func tanhCurvature(_ x: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        let (c, a) = (Float((2 / Double.pi).squareRoot()), Float(0.044715))
        forEachVector(n) { i, remaining in
            let v = clamp(x.vector(i, remaining), -30, 30)
            slope.store(c * (v + a * v * v * v), i, remaining)
        }
        lamina_math_tanh(slope, slope, Int64(n))
        forEachVector(n) { i, remaining in
            let (v, t) = (clamp(x.vector(i, remaining), -30, 30), slope.vector(i, remaining))
            let first = c * (1 + 3 * a * v * v)
            let second = 6 * a * c * v
            slope.store((1 - t * t) * (first + v * (second / 2 - t * first * first)), i, remaining)
        }
    }
}
