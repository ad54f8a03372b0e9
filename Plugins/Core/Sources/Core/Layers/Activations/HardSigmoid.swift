import LaminaSDK

/// The piecewise linear sigmoid, y = min(max(x + 3, 0), 6) / 6.
///
/// Courbariaux, Bengio, David: BinaryConnect, NeurIPS 2015; slope 1/6 as in MobileNetV3 (Howard et al., ICCV 2019).
struct HardSigmoid: PiecewiseLinearActivation {
    static let name = "hard_sigmoid"
    static let documentation = "Piecewise linear sigmoid: y = min(max(x + 3, 0), 6) / 6."
    static let derivativeOf = DerivativeSource.output
    static let operations = 4.0

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in y.store(clamp(x.vector(i, remaining) + 3, 0, 6) / 6, i, remaining) }
    }

    // dx = dy / 6 where 0 < y < 1, otherwise 0
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        forEachVector(n) { i, remaining in
            let v = y.vector(i, remaining)
            let gradient = (dy.vector(i, remaining) / 6).replacing(with: 0, where: (v .<= 0) .| (v .>= 1))
            dx.store(gradient, i, remaining, accumulate: accumulate)
        }
    }
}
