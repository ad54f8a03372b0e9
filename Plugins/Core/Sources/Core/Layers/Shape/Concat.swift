import LaminaSDK

/// Joins tensors along one axis.
///
/// [..., a₀, ...], [..., a₁, ...], … → [..., a₀ + a₁ + …, ...]; all other sizes are equal. Any layout.
struct Concat: TangentLayer {
    static let name = "concat"
    static let documentation = "Joins inputs along one axis."
    static let inputs = [Port("inputs", .variadic, "one or more tensors, equal but for the size of the axis")]
    static let attributes: [AttributeSchema] = [
        .integer("axis", default: 1, "the axis along which inputs follow each other; negative ones from the end")
    ]

    let axis: Int

    init(_ attributes: Attributes) { axis = attributes.integer("axis") }

    func infer(_ inference: Inference) throws {
        let host = inference.host
        let dtype = try inference.dtype(0)
        let first = inference.shape(0)
        let position = try inference.axis(axis, "axis", of: first)
        var result = first
        for index in 1..<max(1, inference.inputCount) {
            try inference.require(index, dtype)
            let shape = inference.shape(index)
            guard shape.count == first.count else {
                throw PluginError.shape(
                    "input \(index) has shape \(host.text(shape)), wanted \(first.count) axes as in "
                        + "\(host.text(first)) of input 0", input: index)
            }
            for other in shape.indices where other != position && shape[other] != first[other] {
                throw PluginError.shape(
                    "input \(index) has shape \(host.text(shape)) and size \(host.text(shape[other])) on axis "
                        + "\(other), wanted \(host.text(first[other])) as in \(host.text(first)) of input 0: only axis "
                        + "\(position), along which the inputs are joined, may differ", input: index)
            }
            result[position] = try host.add(result[position], shape[position])
        }
        try inference.addOutput(dtype, result)
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let y = planning.output(0)
        let position = resolved(axis, rank: y.rank)
        var start = 0
        let parts = (0..<planning.inputCount).map { index in
            let x = planning.input(index)
            defer { start += x.size(position) }
            return Part(x, at: start, of: y, axis: position, step: 1)
        }
        return ConcatPlan(parts: parts)
    }

    // The tangents in their sections; zeros for those that are missing.
    func expandTangent(_ tangent: TangentExpansion) throws {
        let sections = try (0..<tangent.inputCount).map { index in
            try tangent.tangent(index) ?? tangent.zeros(like: tangent.input(index), name: "zero\(index)")
        }
        try tangent.addOutput(tangent.addLayer(name: "tangent", inputs: sections))
    }
}

/// A tensor that is a section of a larger one along an axis.
struct Part {
    /// Where it begins in the larger one, in elements.
    let offset: Int
    let count: Int
    /// From the larger tensor to the part, and back.
    let take: StridedCopy
    let put: StridedCopy

    init(_ part: Tensor, at start: Int, of whole: Tensor, axis: Int, step: Int) {
        let order = PhysicalOrder(part)
        let inner = order.axes.map { order.strides[$0] }
        let wholeOrder = PhysicalOrder(whole)
        let strides = wholeOrder.strides
        let outer = order.axes.map { strides[$0] * ($0 == axis ? step : 1) }
        offset = start * strides[axis]
        count = part.count
        take = StridedCopy(sizes: order.sizes, destination: inner, source: outer)
        put = StridedCopy(sizes: order.sizes, destination: outer, source: inner)
    }
}

struct ConcatPlan: PlannedLayer {
    let parts: [Part]

    func forward(_ run: Run) {
        let y = run.output(0)
        let size = y.elementSize
        for (index, part) in parts.enumerated() where part.count > 0 {
            part.put.copy(y.bytes + part.offset * size, run.input(index).bytes, size: size, host: run.host)
        }
    }

    // dx_i = its section of dy
    func backward(_ run: Run) {
        let dy = run.outputGradient(0)
        for (index, part) in parts.enumerated() where part.count > 0 {
            let dx = run.inputGradient(index)
            if dx.isAbsent { continue }
            part.take.gradient(dx.floats, dy.floats + part.offset, accumulate: dx.accumulates, host: run.host)
        }
    }
}
