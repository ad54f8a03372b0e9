import CLaminaMath
import LaminaSDK

/// The smooth rectifier, y = log(1 + e^(beta · x)) / beta; y = x where beta · x > threshold.
///
/// Dugas, Bengio, Bélisle, Nadeau, Garcia: Incorporating Second-Order Functional Knowledge, NeurIPS 2000.
struct Softplus: Activation {
    static let name = "softplus"
    static let documentation = "Smooth rectifier: y = log(1 + exp(beta · x)) / beta."
    static let attributes: [AttributeSchema] = [
        .real("beta", default: 1, "sharpness of the bend; not 0"),
        .real("threshold", default: 20, "y = x where beta · x is greater"),
    ]
    static let derivativeOf = DerivativeSource.input
    static let operations = 25.0

    let beta: Float
    let threshold: Float

    init(_ attributes: Attributes) throws {
        beta = attributes.float("beta")
        threshold = attributes.float("threshold")
        guard beta != 0 else { throw PluginError.attribute("beta is 0, wanted another number, such as 1") }
    }

    var settings: KeyValuePairs<String, AttributeValue> {
        ["beta": .real(Double(beta)), "threshold": .real(Double(threshold))]
    }

    func forward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) {
        withBlocks(n) { begin, count, block in
            forEachVector(count) { i, remaining in
                block.store(x.vector(begin &+ i, remaining) * beta, i, remaining)
            }
            lamina_math_softplus(block, block, Int64(count))
            forEachVector(count) { i, remaining in
                let v = x.vector(begin &+ i, remaining)
                let soft = block.vector(i, remaining) / beta
                y.store(soft.replacing(with: v, where: v * beta .> threshold), begin &+ i, remaining)
            }
        }
    }

    // dx = dy · σ(beta · x); dy where beta · x > threshold
    func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ n: Int,
        accumulate: Bool
    ) {
        withBlocks(n) { begin, count, block in
            forEachVector(count) { i, remaining in
                block.store(x.vector(begin &+ i, remaining) * beta, i, remaining)
            }
            lamina_math_sigmoid(block, block, Int64(count))
            forEachVector(count) { i, remaining in
                let g = dy.vector(begin &+ i, remaining)
                let above = x.vector(begin &+ i, remaining) * beta .> threshold
                let gradient = (g * block.vector(i, remaining)).replacing(with: g, where: above)
                dx.store(gradient, begin &+ i, remaining, accumulate: accumulate)
            }
        }
    }

    // f″ = beta · σ(beta · x) · (1 − σ(beta · x)); 0 where beta · x > threshold
    func curvature(_ x: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) {
        forEachVector(n) { i, remaining in slope.store(x.vector(i, remaining) * beta, i, remaining) }
        lamina_math_sigmoid(slope, slope, Int64(n))
        forEachVector(n) { i, remaining in
            let s = slope.vector(i, remaining)
            let above = x.vector(i, remaining) * beta .> threshold
            slope.store((beta * s * (1 - s)).replacing(with: 0, where: above), i, remaining)
        }
    }
}
