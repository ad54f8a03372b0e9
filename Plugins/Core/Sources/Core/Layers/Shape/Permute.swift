import LaminaSDK

/// Reorders the axes: axis i of the output is axis `axes[i]` of the input.
///
/// [d0, …, dk] → [d_axes[0], …, d_axes[k]]; the memory is rearranged.
struct Permute: LinearLayer {
    static let name = "permute"
    static let documentation = "Reorders the axes: output axis i is input axis axes[i]."
    static let attributes: [AttributeSchema] = [
        .integers("axes", count: 1...maximumRank, "every axis once, the batch (0) included; negative ones from the end")
    ]

    let axes: [Int]

    init(_ attributes: Attributes) { axes = attributes.integers("axes") }

    func infer(_ inference: Inference) throws {
        let shape = inference.shape(0)
        let order = axes.map { $0 < 0 ? $0 + shape.count : $0 }
        guard order.sorted() == Array(0..<shape.count) else {
            throw PluginError.attribute(
                "axes is \(axes), but the input has shape \(inference.host.text(shape)): "
                    + "wanted each of 0 to \(shape.count - 1) once")
        }
        try inference.addOutput(inference.dtype(0), order.map { shape[$0] })
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let (x, y) = (planning.input(0), planning.output(0))
        let order = axes.map { resolved($0, rank: x.rank) }
        let xStrides = PhysicalOrder(x).strides
        let yStrides = PhysicalOrder(y).strides
        let forward = StridedCopy(
            sizes: order.map { x.size($0) }, destination: yStrides, source: order.map { xStrides[$0] })
        var inverse = order
        for (axis, origin) in order.enumerated() { inverse[origin] = axis }
        let backward = StridedCopy(
            sizes: inverse.map { y.size($0) }, destination: xStrides, source: inverse.map { yStrides[$0] })
        return PermutePlan(forward: forward, backward: backward)
    }
}

struct PermutePlan: PlannedLayer {
    let forward: StridedCopy
    let backward: StridedCopy

    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        if y.count == 0 { return }
        forward.copy(y.bytes, x.bytes, size: x.elementSize, host: run.host)
    }

    // dx = dy with the axes put back
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.count == 0 { return }
        backward.gradient(dx.floats, dy.floats, accumulate: dx.accumulates, host: run.host)
    }
}

extension Tensor {
    /// Bytes of one element.
    var elementSize: Int { Int(raw.pointee.dtype.bits) / 8 }
}
