import LaminaSDK

/// Gives all axes but the batch other sizes; the memory stays as it is.
///
/// [N, …] → [N, shape…]; one size may be −1 and follows from the others.
struct Reshape: LinearLayer {
    static let name = "reshape"
    static let documentation = "Gives the axes behind the batch other sizes."
    static let attributes: [AttributeSchema] = [
        .integers(
            "shape", -1...1e12, count: 0...maximumRank, "sizes behind the batch; one may be -1: what is left over")
    ]

    let shape: [Int]

    init(_ attributes: Attributes) throws {
        shape = attributes.integers("shape")
        guard shape.count(where: { $0 == -1 }) <= 1 else {
            throw PluginError.attribute("shape is \(shape): at most one size may be -1")
        }
    }

    func infer(_ inference: Inference) throws {
        let input = inference.shape(0)
        let host = inference.host
        guard let batch = input.first else {
            throw PluginError.shape("the input is a scalar, wanted [batch, …]", input: 0)
        }
        let count = try inference.product(input[1...])
        let known = try shape.reduce(1) { product, size in
            if size == -1 { return product }
            let (result, overflows) = product.multipliedReportingOverflow(by: size)
            if overflows { throw PluginError.attribute("shape \(shape) has more elements than can be counted") }
            return result
        }
        func misfit() -> PluginError {
            PluginError.attribute(
                "shape \(shape) does not fit the input \(host.text(input)), which has \(host.text(count)) elements "
                    + "per sample: wanted sizes with that product")
        }
        var sizes = shape.map { Dimension($0 == -1 ? 0 : $0) }
        if let hole = shape.firstIndex(of: -1) {
            if let literal = count.literal { guard known > 0 && literal % known == 0 else { throw misfit() } }
            guard known > 0 else { throw misfit() }
            sizes[hole] = try host.floorDivide(count, Dimension(known))
        } else if let literal = count.literal, literal != known {
            throw misfit()
        }
        try inference.addOutput(inference.dtype(0), [batch] + sizes)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let (x, y) = (planning.input(0), planning.output(0))
        guard x.count == y.count else {
            throw PluginError.shape(
                "the input has shape \(x.shape), which does not fit \(y.shape): wanted as many elements", input: 0)
        }
        planning.allowView()
        planning.allowGradientView()
        return ViewPlan()
    }
}
