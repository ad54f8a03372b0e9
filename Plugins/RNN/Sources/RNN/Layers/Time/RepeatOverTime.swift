import CAttention
import Glibc
import LaminaSDK

/// Repeats a vector per sample at every step of a sequence: y[n, t] = x[n].
///
/// x is [N, F], `like` any sequence [N, T, …], of which only the size counts, y [N, T, F]. So a decoder gets the fixed
/// context of an encoder at each of its steps (Cho et al., Learning Phrase Representations using RNN Encoder-Decoder,
/// 2014), joined to its other inputs with `core.concat: { axis: -1 }`.
struct RepeatOverTime: Layer {
    static let name = "repeat_over_time"
    static let documentation = "Repeats a vector per sample [N, F] at every step of another sequence: [N, T, F]."
    static let inputs: [Port] = [
        Port("input", .required, "a vector per sample [N, F]"),
        Port("like", .required, "the sequence [N, T, …] that tells N and T; its values are not read"),
    ]

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        let host = inference.host
        try inference.require(0, .float32)
        let (shape, like) = (inference.shape(0), inference.shape(1))
        guard shape.count == 2 else {
            throw PluginError.shape("the input has shape \(host.text(shape)), wanted [N, features]", input: 0)
        }
        guard like.count >= 2, like[0] == shape[0] else {
            throw PluginError.shape(
                "the sequence has shape \(host.text(like)), wanted [\(host.text(shape[0])), time, …] with the batch of "
                    + "the input, whose shape is \(host.text(shape))", input: 1)
        }
        try inference.addOutput(.float32, [shape[0], like[1], shape[1]])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let y = planning.output(0)
        planning.setFLOPs(forward: 0, backward: Double(y.count))
        return RepeatOverTimePlan(batch: y.size(0), steps: y.size(1), features: y.size(2))
    }
}

struct RepeatOverTimePlan: PlannedLayer {
    let batch: Int
    let steps: Int
    let features: Int

    private var grain: Int { max(1, 16_384 / max(1, steps * features)) }

    func forward(_ run: Run) {
        guard batch > 0, steps > 0, features > 0 else { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        run.host.parallelFor(batch, grain: grain) { begin, end in
            for row in begin &* steps..<end &* steps {
                memcpy(y + row &* features, x + row / steps &* features, features &* 4)
            }
        }
    }

    // dx[n] = Σ_t dy[n, t]; the sequence gets none
    func backward(_ run: Run) {
        let (dx, dLike) = (run.inputGradient(0), run.inputGradient(1))
        if !dLike.isAbsent && !dLike.accumulates && dLike.count > 0 { memset(dLike.floats, 0, dLike.count * 4) }
        guard !dx.isAbsent, batch > 0, features > 0 else { return }
        if !dx.accumulates { memset(dx.floats, 0, batch * features * 4) }
        guard steps > 0 else { return }
        let (dy, gradient) = (run.outputGradient(0).floats, dx.floats)
        run.host.parallelFor(batch, grain: grain) { begin, end in
            for sample in begin..<end {
                lamina_attention_column_sums(
                    dy + sample &* steps &* features, Int64(steps), Int64(features), 0, Int64(features),
                    gradient + sample &* features)
            }
        }
    }
}
