import Glibc
import LaminaSDK

/// A trained vector before the first step, of which a classifier reads its answer: y[n] = [weight, x[n]].
///
/// x is [N, T, D], y [N, T + 1, D], weight [D]; weight starts at 0. `lengths` that attention behind it is told have to be
/// greater by 1, or it leaves out the last real step of each sample; tasks refuse a model whose are not. Devlin et al.: BERT (2019); Dosovitskiy et al.: An
/// Image is Worth 16x16 Words, ICLR 2021.
struct ClassToken: Layer {
    static let name = "class_token"
    static let documentation = "Puts a trained vector before the first step."

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        let shape = try inference.sequence(0, "input")
        let features = try inference.literal(shape[2], "the last dimension, on which the weight's shape depends,")
        try inference.addParameter(
            "weight", [features], initializer: "core.constant", ["value": .real(0)], noDecay: true)
        try inference.addOutput(.float32, [shape[0], inference.host.add(shape[1], Dimension(1)), shape[2]])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let x = planning.input(0)
        planning.setFLOPs(forward: 0, backward: Double(x.size(0) * x.size(2)))
        return ClassTokenPlan(batch: x.size(0), width: x.size(2), length: x.size(1) * x.size(2))
    }
}

struct ClassTokenPlan: PlannedLayer {
    let batch, width: Int
    /// Floats of a sample of the input.
    let length: Int

    private var whole: Int { length + width }
    private var grain: Int { max(1, elementGrain / whole) }

    func forward(_ run: Run) {
        if batch == 0 || width == 0 { return }
        let (weight, y) = (run.parameter(0).floats, run.output(0).floats)
        let x = length > 0 ? run.input(0).floats : nil
        run.host.parallelFor(batch, grain: grain) { begin, end in
            for sample in begin..<end {
                memcpy(y + sample &* whole, weight, width &* 4)
                if let x { memcpy(y + (sample &* whole &+ width), x + sample &* length, length &* 4) }
            }
        }
    }

    // dx = dy behind the first step;  dweight = Σ_n dy[n, 0]
    func backward(_ run: Run) {
        if width == 0 { return }
        let (dW, dx) = (run.parameterGradient(0), run.inputGradient(0))
        let dy = run.outputGradient(0)
        guard batch > 0 else { return clearGradient(dW) }
        let from = dy.floats
        if !dW.isAbsent {
            sumRows(from, rows: batch, stride: whole, 0, width, into: dW.floats, accumulate: dW.accumulates)
        }
        if dx.isAbsent || length == 0 { return }
        let (to, accumulates) = (dx.floats, dx.accumulates)
        run.host.parallelFor(batch, grain: grain) { begin, end in
            for sample in begin..<end {
                let (from, to) = (from + (sample &* whole &+ width), to + sample &* length)
                if accumulates {
                    sumRows(from, rows: 1, stride: 0, 0, length, into: to, accumulate: true)
                } else {
                    memcpy(to, from, length &* 4)
                }
            }
        }
    }
}
