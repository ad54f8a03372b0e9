import LaminaSDK

/// The scaled exponential linear unit, y = λ · x for x > 0 and λ · α · (eˣ − 1) otherwise.
///
/// λ = 1.0507…, α = 1.6733… keep mean 0 and variance 1 through the layers.
/// Klambauer, Unterthiner, Mayr, Hochreiter: Self-Normalizing Neural Networks, NeurIPS 2017.
struct SELU: Activation {
    static let name = "selu"
    static let documentation = "Scaled exponential linear unit of self-normalising networks."
    static let derivativeOf = DerivativeSource.output
    static let operations = 12.0

    private static let scale: Float = 1.0507009873554804934193349852946
    private static let scaledAlpha = Float(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717)

    init(_ attributes: Attributes) {}

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        exponentialLinear(x, y, n, positive: Self.scale, negative: Self.scaledAlpha)
    }

    // dx = λ · dy for y > 0, dy · (y + λ · α) otherwise
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        exponentialLinearGradient(
            y, dy, dx, n, positive: Self.scale, negative: Self.scaledAlpha, accumulate: accumulate)
    }

    // h = λ for y > 0, y + λ · α otherwise
    func curvature(_ y: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        exponentialLinearCurvature(y, slope, n)
    }
}
