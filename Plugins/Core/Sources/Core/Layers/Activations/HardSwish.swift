import LaminaSDK

/// The piecewise quadratic swish, y = x · min(max(x + 3, 0), 6) / 6.
///
/// Howard et al.: Searching for MobileNetV3, ICCV 2019, section 5.2.
struct HardSwish: Activation {
    static let name = "hard_swish"
    static let documentation = "Piecewise quadratic swish: y = x · min(max(x + 3, 0), 6) / 6."
    static let derivativeOf = DerivativeSource.input
    static let operations = 5.0

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in
            let v = x.vector(i, remaining)
            y.store(v * clamp(v + 3, 0, 6) / 6, i, remaining)
        }
    }

    // dx = 0 for x <= -3, dy for x >= 3, dy · (x / 3 + 1 / 2) between
    func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        forEachVector(n) { i, remaining in
            let (v, g) = (x.vector(i, remaining), dy.vector(i, remaining))
            let gradient = (g * (v / 3 + 0.5)).replacing(with: g, where: v .>= 3).replacing(with: 0, where: v .<= -3)
            dx.store(gradient, i, remaining, accumulate: accumulate)
        }
    }

    // f″ = 1 / 3 for −3 < x < 3, 0 elsewhere
    func curvature(_ x: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in
            let v = x.vector(i, remaining)
            let inside = Vector(repeating: 1 / 3).replacing(with: 0, where: (v .<= -3) .| (v .>= 3))
            slope.store(inside, i, remaining)
        }
    }
}
