import CTokenLayers
import LaminaSDK

/// A gated linear unit: y = f(a) · b with a the first half of the last axis, b the second.
///
/// x is [..., 2 F], y [..., F]; f is x · σ(x) (silu), x · Φ(x) (gelu) or its approximation by tanh (gelu_tanh), σ(x)
/// (sigmoid) or max(0, x) (relu). Behind a dense layer of 2 F units it makes SwiGLU, GEGLU, GLU or ReGLU. Backward
/// computes f again from the input. Shazeer: GLU Variants Improve Transformer, arXiv 2002.05202.
struct Gate: Layer, PlannedLayer {
    static let name = "gate"
    static let documentation = "Gated linear unit: the activated first half of the last axis times the second half."
    static let attributes: [AttributeSchema] = [
        .string(
            "activation", default: "silu", choices: ["silu", "gelu", "gelu_tanh", "sigmoid", "relu"],
            "of the first half: silu makes SwiGLU, gelu GEGLU")
    ]

    private let activation: Int32

    init(_ attributes: Attributes) {
        activation =
            switch attributes.string("activation") {
            case "gelu": Int32(LAMINA_GATE_GELU)
            case "gelu_tanh": Int32(LAMINA_GATE_GELU_TANH)
            case "sigmoid": Int32(LAMINA_GATE_SIGMOID)
            case "relu": Int32(LAMINA_GATE_RELU)
            default: Int32(LAMINA_GATE_SILU)
            }
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard let last = shape.last else {
            throw PluginError.shape("the input is a scalar, wanted [..., 2 · features]", input: 0)
        }
        let features = try inference.literal(last, "the last dimension, which is halved,")
        guard features % 2 == 0 else {
            throw PluginError.shape(
                "the input has \(features) features, wanted an even number: gates, then as many values", input: 0)
        }
        try inference.addOutput(.float32, shape.dropLast() + [Dimension(features / 2)])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        if planning.wantsInputGradient(0) { planning.saveInput(0) }
        if planning.output(0).rank >= 3 { planning.allowSteps() }
        let elements = Double(planning.output(0).count)
        planning.setFLOPs(forward: 14 * elements, backward: 30 * elements)
        return self
    }

    func forward(_ run: Run) {
        let y = run.output(0)
        if y.count == 0 { return }
        let width = y.size(y.rank - 1)
        let (x, to) = (run.input(0).floats, y.floats)
        run.host.parallelFor(y.count / width, grain: max(1, elementGrain / width)) { begin, end in
            lamina_gate(activation, Int64(end &- begin), Int64(width), x + 2 &* begin &* width, to + begin &* width)
        }
    }

    // da = dy · b · f′(a),  db = dy · f(a)
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dy.count == 0 { return }
        let width = dy.size(dy.rank - 1)
        let (x, from, to) = (run.input(0).floats, dy.floats, dx.floats)
        let accumulates: Int32 = dx.accumulates ? 1 : 0
        run.host.parallelFor(dy.count / width, grain: max(1, elementGrain / width)) { begin, end in
            let first = 2 &* begin &* width
            lamina_gate_gradient(
                activation, Int64(end &- begin), Int64(width), x + first, from + begin &* width, to + first,
                accumulates)
        }
    }
}
