import LaminaSDK

/// The rectifier that saturates, y = min(max(0, x), 6).
///
/// Krizhevsky: Convolutional Deep Belief Networks on CIFAR-10, 2010.
struct ReLU6: PiecewiseLinearActivation {
    static let name = "relu6"
    static let documentation = "Rectifier with a ceiling: y = min(max(0, x), 6)."
    static let derivativeOf = DerivativeSource.output
    static let operations = 2.0

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in y.store(clamp(x.vector(i, remaining), 0, 6), i, remaining) }
    }

    // dx = dy where 0 < y < 6, otherwise 0
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        forEachVector(n) { i, remaining in
            let v = y.vector(i, remaining)
            let gradient = dy.vector(i, remaining).replacing(with: 0, where: (v .<= 0) .| (v .>= 6))
            dx.store(gradient, i, remaining, accumulate: accumulate)
        }
    }
}

/// x between two bounds; NaN stays NaN.
@inline(__always)
func clamp(_ x: Vector, _ low: Float, _ high: Float) -> Vector {
    x.replacing(with: low, where: x .< low).replacing(with: high, where: x .> high)
}
