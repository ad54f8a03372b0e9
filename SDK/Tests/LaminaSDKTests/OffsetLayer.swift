import LaminaSDK

/// y = x + offset, where an offset is connected; `fault` makes it look for it in the wrong way.
struct OffsetLayer: Layer {
    static let name = "offset"
    static let documentation = "y = x + offset; for tests of the tests."
    static let inputs = [Port("input"), Port("offset", .optional)]
    static let attributes: [AttributeSchema] = [.string("fault", default: "", "What is wrong.")]

    let fault: String
    init(_ attributes: Attributes) { fault = attributes.string("fault") }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let isThere = fault == "infer" ? !inference.input(1).isAbsent : inference.isConnected(1)
        if isThere, inference.shape(1) != inference.shape(0) {
            throw PluginError.shape("the offset has another shape than the input", input: 1)
        }
        try inference.addOutput(.float32, inference.shape(0))
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        PlannedOffset(
            fault: fault, hasOffset: planning.inputCount > 1 && !planning.input(1).isAbsent)
    }
}

private struct PlannedOffset: PlannedLayer {
    let fault: String
    let hasOffset: Bool

    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        let isThere = fault == "forward" ? !run.input(1).isAbsent : hasOffset
        for i in 0..<x.count { y.floats[i] = x.floats[i] + (isThere ? run.input(1).floats[i] : 0) }
    }

    func backward(_ run: Run) {
        let dy = run.outputGradient(0)
        for input in 0..<(fault == "backward" || hasOffset ? 2 : 1) {
            let dx = run.inputGradient(input)
            if dx.isAbsent { continue }
            for i in 0..<dy.count {
                if dx.accumulates { dx.floats[i] += dy.floats[i] } else { dx.floats[i] = dy.floats[i] }
            }
        }
    }
}
