import CLaminaMath
import Glibc
import LaminaSDK

/// A trained vector per position, added to each step: y[n, t] = x[n, t] + weight[t].
///
/// x and y are [N, T, D], weight is [count, D] and starts normal with standard deviation 0.02, as in GPT-2 and BERT.
/// More than `count` steps are an error. Gehring et al.: Convolutional Sequence to Sequence Learning, ICML 2017.
struct LearnedPositions: Layer {
    static let name = "learned_positions"
    static let documentation = "Adds a trained vector per position to each step."
    static let attributes: [AttributeSchema] = [
        .integer("count", 1...1e9, "number of positions: the most steps that an input may have")
    ]

    let count: Int

    init(_ attributes: Attributes) { count = attributes.integer("count") }

    func infer(_ inference: Inference) throws {
        let shape = try inference.sequence(0, "input")
        let features = try inference.literal(shape[2], "the last dimension, on which the weight's shape depends,")
        if let steps = shape[1].literal { try check(steps) }
        try inference.addParameter(
            "weight", [count, features], initializer: "core.normal", ["mean": .real(0), "std": .real(0.02)])
        try inference.addOutput(.float32, shape)
    }

    /// - Parameter steps: the number of the last step's position and one.
    fileprivate func check(_ steps: Int) throws {
        guard steps > count else { return }
        throw PluginError.shape(
            "the input has \(steps) steps, but count is \(count): wanted at most \(count) steps, or a greater count",
            input: 0)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try check(planning.input(0).size(1))
        return LearnedPositionsPlan(planning, self)
    }
}

struct LearnedPositionsPlan: PlannedLayer {
    private let layer: LearnedPositions
    private let batch, steps: Int
    /// Floats of a sample.
    private let length: Int

    init(_ planning: Planning, _ layer: LearnedPositions) {
        let x = planning.input(0)
        self.layer = layer
        (batch, steps, length) = (x.size(0), x.size(1), x.size(1) * x.size(2))
        planning.allowSteps()
        planning.allowReuse()
        // In steps, only a whole forward asks whether there are so many positions.
        if planning.cacheSteps == 0 { planning.allowRanges() }
        planning.allowGradientView()
        let count = Double(x.count)
        planning.setFLOPs(forward: count, backward: planning.wantsParameterGradient(0) ? count : 0)
    }

    /// The weight's row of the first step.
    private func weight(_ run: Run) -> Floats {
        run.parameter(0).floats + (run.past == 0 || steps == 0 ? 0 : run.past &* (length / steps))
    }

    func forward(_ run: Run) throws {
        try layer.check(run.past + steps)
        let count = run.input(0).count
        if count == 0 { return }
        let (x, y, weight) = (run.input(0).floats, run.output(0).floats, weight(run))
        run.host.parallelFor(count, grain: elementGrain) { begin, end in add(x, weight, y, begin, end) }
    }

    func forward(_ run: Run, _ range: Range<Int>) {
        add(
            run.input(0).floats, weight(run), run.output(0).floats, range.lowerBound, range.upperBound)
    }

    private func add(_ x: Floats, _ weight: Floats, _ y: Floats, _ begin: Int, _ end: Int) {
        forEachSample(length, begin, end) { element, place, count in
            lamina_math_add(x + element, weight + place, y + element, Int64(count))
        }
    }

    // dx = dy;  dweight[t] = Σ_n dy[n, t], and 0 for positions that there are not
    func backward(_ run: Run) {
        let dW = run.parameterGradient(0)
        if !dW.isAbsent, dW.count > 0 { sumSamples(run, dW) }
        scaleGradient(run, by: 1)
    }

    private func sumSamples(_ run: Run, _ gradient: Tensor) {
        let (dW, accumulates, total) = (gradient.floats, gradient.accumulates, gradient.count)
        if !accumulates {
            memset(dW + length, 0, (total - length) * 4)
        }
        if length == 0 { return }
        let rows = batch > 0 ? run.outputGradient(0).floats : dW
        // A chunk's sums stay in the first cache.
        run.host.parallelFor(length, grain: 4096) { begin, end in
            sumRows(rows, rows: batch, stride: length, begin, end, into: dW, accumulate: accumulates)
        }
    }
}
