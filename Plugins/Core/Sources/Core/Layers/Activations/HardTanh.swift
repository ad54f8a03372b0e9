import LaminaSDK

/// The piecewise linear tanh, y = min(max(x, minimum), maximum).
///
/// Collobert: Large Scale Machine Learning, thesis, Paris 2004.
struct HardTanh: PiecewiseLinearActivation {
    static let name = "hard_tanh"
    static let documentation = "Piecewise linear tanh: x between minimum and maximum."
    static let attributes: [AttributeSchema] = [
        .real("minimum", default: -1, "the lowest output"),
        .real("maximum", default: 1, "the highest output, above minimum"),
    ]
    static let derivativeOf = DerivativeSource.output
    static let operations = 2.0

    let minimum: Float
    let maximum: Float

    init(_ attributes: Attributes) throws {
        minimum = attributes.float("minimum")
        maximum = attributes.float("maximum")
        guard minimum < maximum else {
            throw PluginError.attribute("minimum is \(minimum), wanted a number below maximum, which is \(maximum)")
        }
    }

    var settings: KeyValuePairs<String, AttributeValue> {
        ["minimum": .real(Double(minimum)), "maximum": .real(Double(maximum))]
    }

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in y.store(clamp(x.vector(i, remaining), minimum, maximum), i, remaining) }
    }

    // dx = dy where minimum < y < maximum, otherwise 0
    func backward(
        _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        forEachVector(n) { i, remaining in
            let v = y.vector(i, remaining)
            let gradient = dy.vector(i, remaining).replacing(with: 0, where: (v .<= minimum) .| (v .>= maximum))
            dx.store(gradient, i, remaining, accumulate: accumulate)
        }
    }
}
