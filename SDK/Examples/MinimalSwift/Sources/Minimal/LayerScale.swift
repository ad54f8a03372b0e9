import LaminaSDK

/// y = x · γ, a learned factor per feature, small at first, so that deep residual networks begin near the identity.
///
/// x is (…, C), γ is (C). Touvron et al.: Going deeper with Image Transformers, 2021.
public struct LayerScale: Layer, PlannedLayer {
    public static let name = "layer_scale"
    public static let documentation = "A learned factor per feature (the last dimension): y = x · γ."
    public static let attributes: [AttributeSchema] = [
        .real("initial", default: 1e-4, "Value that every factor begins with.")
    ]

    let initial: Double

    public init(_ attributes: Attributes) { initial = attributes.real("initial") }

    public func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        guard let features = inference.shape(0).last else {
            throw PluginError.shape("the input is a single number, wanted features in its last dimension", input: 0)
        }
        try inference.addOutput(.float32, inference.shape(0))
        try inference.addParameter(
            "gamma", [inference.literal(features, "the number of features")], initializer: "core.constant",
            ["value": .real(initial)], noDecay: true)
    }

    public func plan(_ planning: Planning) -> any PlannedLayer {
        if planning.wantsParameterGradient(0) { planning.saveInput(0) }
        planning.allowReuse()
        planning.setFLOPs(forward: Double(planning.input(0).count), backward: Double(3 * planning.input(0).count))
        return self
    }

    public func forward(_ run: Run) {
        let (x, gamma, y) = (run.input(0).floats, run.parameter(0).floats, run.output(0).floats)
        let features = run.parameter(0).count
        let rows = run.output(0).product(0, run.output(0).rank - 1)
        run.host.parallelFor(rows, grain: max(1, 4096 / max(features, 1))) { begin, end in
            for i in begin * features..<end * features { y[i] = x[i] * gamma[i % features] }
        }
    }

    // dL/dx = dL/dy · γ      dL/dγ = Σ over rows of dL/dy · x
    public func backward(_ run: Run) {
        let (dy, dx, dGamma) = (run.outputGradient(0), run.inputGradient(0), run.parameterGradient(0))
        let gamma = run.parameter(0).floats
        let features = run.parameter(0).count
        let rows = dy.product(0, dy.rank - 1)
        if !dx.isAbsent {
            let adds = dx.accumulates
            run.host.parallelFor(rows, grain: max(1, 4096 / max(features, 1))) { begin, end in
                for i in begin * features..<end * features {
                    let gradient = dy.floats[i] * gamma[i % features]
                    dx.floats[i] = adds ? dx.floats[i] + gradient : gradient
                }
            }
        }
        if !dGamma.isAbsent {
            let (x, adds) = (run.input(0), dGamma.accumulates)
            // A chunk owns its features and adds their rows in order: the same bits on any number of threads.
            run.host.parallelFor(features, grain: 16) { begin, end in
                for feature in begin..<end {
                    var sum: Float = 0
                    for row in 0..<rows {
                        sum += dy.floats[row * features + feature] * x.floats[row * features + feature]
                    }
                    dGamma.floats[feature] = adds ? dGamma.floats[feature] + sum : sum
                }
            }
        }
    }
}
