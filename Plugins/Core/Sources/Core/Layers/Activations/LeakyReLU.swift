import LaminaSDK

/// The leaky rectifier, y = x for x > 0 and slope · x otherwise.
///
/// Maas, Hannun, Ng: Rectifier Nonlinearities Improve Neural Network Acoustic Models, ICML 2013.
struct LeakyReLU: PiecewiseLinearActivation {
    static let name = "leaky_relu"
    static let documentation = "Leaky rectifier: y = x for x > 0, slope · x otherwise."
    static let attributes: [AttributeSchema] = [
        .real("slope", default: 0.01, "slope for negative x")
    ]
    static let derivativeOf = DerivativeSource.input
    static let operations = 2.0

    let slope: Float

    init(_ attributes: Attributes) { slope = attributes.float("slope") }

    var settings: KeyValuePairs<String, AttributeValue> { ["slope": .real(Double(slope))] }

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in
            let v = x.vector(i, remaining)
            y.store(v.replacing(with: v * slope, where: v .<= 0), i, remaining)
        }
    }

    // dx = dy for x > 0, slope · dy otherwise
    func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        forEachVector(n) { i, remaining in
            let g = dy.vector(i, remaining)
            let gradient = (g * slope).replacing(with: g, where: x.vector(i, remaining) .> 0)
            dx.store(gradient, i, remaining, accumulate: accumulate)
        }
    }
}
