import CLaminaMath
import Glibc
import LaminaSDK

/// Trained steps in a sequence: `count` vectors before step `at`, or with `replace` in the place of the steps from there.
///
/// x is [N, T, D], `weight` [count, D]. Inserted (shallow prompts), y is [N, T + count, D]; `at: 1` leaves a class token the
/// first. With `replace` (deep prompts, behind the blocks that have inserted ones before them) y is [N, T, D], and what
/// the steps `at ..< at + count` held is forgotten. Weights start as normal numbers of deviation 0.02.
///
/// Step by step it cannot be computed: in such a plan every layer has as many new steps as there are new tokens, behind the
/// same number of earlier ones, and with prompts the layers behind would have `count` more of either than those before.
///
/// Inserted steps are not in the `lengths` that attention is told: it would leave out the last `count` real steps of
/// each sample. So insert only where attention is told none, or where lengths are greater by `count`; tasks refuse
/// such a model.
///
/// Jia, Tang, Chen, Cardie, Belongie, Hariharan, Lim: Visual Prompt Tuning, ECCV 2022; Lester, Al-Rfou, Constant: The Power
/// of Scale for Parameter-Efficient Prompt Tuning, EMNLP 2021.
struct Prompt: Layer {
    static let name = "prompt"
    static let documentation = "Puts trained steps into a sequence, or in the place of its steps."
    static let attributes: [AttributeSchema] = [
        .integer("count", default: 10, 1...1e6, "how many trained steps"),
        .integer("at", default: 0, 0...1, "the step that the first of them is: 1 leaves a class token the first"),
        .bool("replace", default: false, "overwrites steps instead of inserting some"),
    ]

    let count, at: Int
    let replaces: Bool

    init(_ attributes: Attributes) {
        (count, at) = (attributes.integer("count"), attributes.integer("at"))
        replaces = attributes.bool("replace")
    }

    func infer(_ inference: Inference) throws {
        let shape = try inference.sequence(0, "input")
        let features = try inference.literal(shape[2], "the last dimension, on which the weight's shape depends,")
        if let steps = shape[1].literal { try check(steps) }
        try inference.addParameter("weight", [count, features], initializer: "core.normal", ["std": .real(0.02)])
        let steps = replaces ? shape[1] : try inference.host.add(shape[1], Dimension(count))
        try inference.addOutput(.float32, [shape[0], steps, shape[2]])
    }

    private func check(_ steps: Int) throws {
        let least = at + (replaces ? count : 0)
        guard steps >= least else {
            throw PluginError.shape(
                "the input has \(steps) steps, wanted at least \(least): \(count) trained ones "
                    + (replaces ? "replace those" : "go in") + " from step \(at) on", input: 0)
        }
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let x = planning.input(0)
        try check(x.size(1))
        if replaces {
            planning.allowReuse()
            planning.allowGradientReuse()
        }
        planning.setFLOPs(forward: 0, backward: Double(x.size(0) * count * x.size(2)))
        return PromptPlan(
            batch: x.size(0), width: x.size(2), before: at * x.size(2), own: count * x.size(2),
            forgotten: replaces ? count * x.size(2) : 0,
            behind: (x.size(1) - at - (replaces ? count : 0)) * x.size(2))
    }
}

/// Numbers of floats of a sample: y is before, own, behind; x is before, forgotten, behind.
struct PromptPlan: PlannedLayer {
    let batch, width, before, own, forgotten, behind: Int

    private var whole: Int { before + own + behind }
    private var source: Int { before + forgotten + behind }
    private var grain: Int { max(1, elementGrain / max(whole, 1)) }

    func forward(_ run: Run) {
        if batch == 0 || width == 0 { return }
        let (weight, y) = (run.parameter(0).floats, run.output(0).floats)
        let x = source > 0 ? run.input(0).floats : nil
        run.host.parallelFor(batch, grain: grain) { begin, end in
            for sample in begin..<end {
                let y = y + sample &* whole
                if let x, UnsafePointer(x) + sample &* source != UnsafePointer(y) {
                    let x = x + sample &* source
                    memcpy(y, x, before &* 4)
                    memcpy(y + (before &+ own), x + (before &+ forgotten), behind &* 4)
                }
                memcpy(y + before, weight, own &* 4)
            }
        }
    }

    // dx = dy where a step came from x, 0 where it was forgotten;  dweight = Σ_n dy of its steps
    func backward(_ run: Run) {
        if width == 0 { return }
        let (dW, dx, dy) = (run.parameterGradient(0), run.inputGradient(0), run.outputGradient(0))
        guard batch > 0 else { return clearGradient(dW) }
        let from = UnsafePointer(dy.floats)
        if !dW.isAbsent {
            let (to, accumulates) = (dW.floats, dW.accumulates)
            run.host.parallelFor(own, grain: max(16, elementGrain / batch)) { begin, end in
                sumRows(from + before, rows: batch, stride: whole, begin, end, into: to, accumulate: accumulates)
            }
        }
        if dx.isAbsent || source == 0 { return }
        let (to, accumulates) = (dx.floats, dx.accumulates)
        run.host.parallelFor(batch, grain: grain) { begin, end in
            for sample in begin..<end {
                let (dy, dx) = (from + sample &* whole, to + sample &* source)
                add(dy, to: dx, before, accumulates)
                if forgotten > 0, !accumulates { memset(dx + before, 0, forgotten &* 4) }
                add(dy + (before &+ own), to: dx + (before &+ forgotten), behind, accumulates)
            }
        }
    }

    @inline(__always)
    private func add(
        _ gradient: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>, _ count: Int, _ accumulates: Bool
    ) {
        if accumulates {
            lamina_math_add(sum, gradient, sum, Int64(count))
        } else if UnsafePointer(sum) != gradient {
            memcpy(sum, gradient, count &* 4)
        }
    }
}
