import CLaminaMath
import CTokenLayers
import Glibc
import LaminaSDK

/// Division by the root mean square of the last axis: y = x / √(mean(x²) + epsilon) · weight.
///
/// x and y are [..., D], weight is [D] and starts at 1. epsilon is 1e-6, as in T5 and Llama; `torch.nn.RMSNorm` without
/// one takes that of the type, 1.19e-7. A row of zeros with epsilon 0 gives NaN. Zhang, Sennrich: Root Mean Square
/// Layer Normalization, NeurIPS 2019.
struct RMSNorm: Layer {
    static let name = "rms_norm"
    static let documentation = "Division by the root mean square of the last axis."
    static let attributes: [AttributeSchema] = [
        .real("epsilon", default: 1e-6, 0...Double.infinity, "added to the mean of squares"),
        .bool("weight", default: true, "trains a weight per feature"),
    ]

    let epsilon: Float
    let hasWeight: Bool

    init(_ attributes: Attributes) {
        epsilon = attributes.float("epsilon")
        hasWeight = attributes.bool("weight")
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard let last = shape.last else {
            throw PluginError.shape("the input is a scalar, wanted [..., features]", input: 0)
        }
        if hasWeight {
            let features = try inference.literal(last, "the last dimension, on which the weight's shape depends,")
            try inference.addParameter(
                "weight", [features], initializer: "core.constant", ["value": .real(1)], noDecay: true)
        }
        try inference.addOutput(.float32, shape)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { RMSNormPlan(planning, self) }
}

struct RMSNormPlan: PlannedLayer {
    private let rows, features: Int
    private let epsilon: Float
    private let hasWeight, saves, sumsWeight: Bool
    /// Rows of a chunk of backward, each of which sums the weight's gradient for itself.
    private let chunk: Int

    init(_ planning: Planning, _ layer: RMSNorm) {
        let x = planning.input(0)
        (rows, features) = (x.product(0, x.rank - 1), x.size(x.rank - 1))
        (epsilon, hasWeight) = (layer.epsilon, layer.hasWeight)
        if x.rank >= 3 { planning.allowSteps() }
        sumsWeight = hasWeight && planning.wantsParameterGradient(0)
        saves = planning.wantsInputGradient(0) || sumsWeight
        chunk = max(1, elementGrain / max(features, 1), (rows + 31) / 32)
        if saves {
            planning.saveInput(0)
            planning.save(bytes: rows * 4)
        } else {
            planning.allowReuse()
        }
        planning.allowGradientReuse()
        if sumsWeight { planning.setWorkspace(backward: (rows + chunk - 1) / chunk * features * 4) }
        planning.setFLOPs(forward: 4 * Double(x.count), backward: 9 * Double(x.count))
    }

    func forward(_ run: Run) {
        if rows == 0 || features == 0 { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let weight = hasWeight ? run.parameter(0).floats : nil
        let factors = saves ? run.saved(0).assumingMemoryBound(to: Float.self) : nil
        run.host.parallelFor(rows, grain: max(1, elementGrain / features)) { begin, end in
            lamina_rms_norm(
                Int64(end &- begin), Int64(features), epsilon, x + begin &* features, weight, y + begin &* features,
                factors.map { $0 + begin })
        }
    }

    func backward(_ run: Run) {
        guard rows > 0, features > 0 else {
            if sumsWeight { clearParameterGradients(run, 1) }
            return
        }
        if !saves { return }
        let (x, dy, dx) = (run.input(0).floats, run.outputGradient(0).floats, run.inputGradient(0))
        let pdx = dx.isAbsent ? nil : dx.floats
        let accumulates: Int32 = dx.accumulates ? 1 : 0
        let weight = hasWeight ? run.parameter(0).floats : nil
        let factors = run.saved(0).assumingMemoryBound(to: Float.self)
        let sums = sumsWeight ? run.workspace.assumingMemoryBound(to: Float.self) : nil
        run.host.parallelFor(rows, grain: chunk) { begin, end in
            let first = begin &* features
            let own = sums.map { $0 + begin / chunk &* features }
            if let own { memset(own, 0, features &* 4) }
            lamina_rms_norm_gradient(
                Int64(end &- begin), Int64(features), x + first, weight, factors + begin, dy + first,
                pdx.map { $0 + first }, accumulates, own)
        }
        guard let sums, !run.parameterGradient(0).isAbsent else { return }
        let gradient = run.parameterGradient(0)
        sumRows(
            sums, rows: (rows + chunk - 1) / chunk, stride: features, 0, features, into: gradient.floats,
            accumulate: gradient.accumulates)
    }
}
