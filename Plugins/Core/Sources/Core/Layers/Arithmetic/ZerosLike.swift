import LaminaSDK

/// Zeros of the input's shape and type: a tangent that is missing beside others, in a place that has to be filled.
struct ZerosLike: Layer {
    static let name = "zeros_like"
    static let documentation = "Zeros of the input's shape, whatever it holds."

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.addOutput(.float32, inference.shape(0))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { ZerosLikePlan() }
}

struct ZerosLikePlan: PlannedLayer {
    func forward(_ run: Run) {
        let y = run.output(0)
        if y.count > 0 { zero(y.floats, y.count, run.host) }
    }

    // dx = 0
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        if dx.isAbsent || dx.accumulates || dx.count == 0 { return }
        zero(dx.floats, dx.count, run.host)
    }
}

extension TangentExpansion {
    /// Adds a node of zeros of a value's shape.
    func zeros(like value: String, name: String) throws -> String {
        try add("core.\(ZerosLike.name)", name: name, inputs: [value])
    }
}
