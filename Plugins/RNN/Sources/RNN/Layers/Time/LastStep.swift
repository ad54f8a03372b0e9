import Glibc
import LaminaSDK

/// The last step of each sequence: y[n] = x[n, length(n) − 1].
///
/// x is [N, T, F], y [N, F]. `lengths` [N] (int64) says how many steps of a sample count; by default all T. A sequence of
/// length 0 gives zeros. A length below 0 or above T fails with LAMINA_ERROR_DATA, T = 0 without lengths gives zeros. Of a
/// bidirectional layer the backward half is final at step 0: take that layer's final state instead.
struct LastStep: Layer {
    static let name = "last_step"
    static let documentation = "The last step of each sequence, by its length: [N, T, F] to [N, F]."
    static let inputs: [Port] = [
        Port("input", .required, "sequences [N, T, F]"),
        Port("lengths", .optional, "how many steps of each sequence count [N], int64"),
    ]

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        let host = inference.host
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard shape.count == 3 else {
            throw PluginError.shape("the input has shape \(host.text(shape)), wanted [N, time, features]", input: 0)
        }
        if inference.isConnected(1) {
            try inference.require(1, .int64)
            guard inference.shape(1) == [shape[0]] else {
                throw PluginError.shape(
                    "the lengths have shape \(host.text(inference.shape(1))), wanted [\(host.text(shape[0]))], one per "
                        + "sample", input: 1)
            }
        }
        try inference.addOutput(.float32, [shape[0], shape[2]])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let x = planning.input(0)
        let hasLengths = planning.inputCount > 1 && !planning.input(1).isAbsent
        if hasLengths && planning.wantsInputGradient(0) { planning.saveInput(1) }
        return LastStepPlan(batch: x.size(0), steps: x.size(1), features: x.size(2), hasLengths: hasLengths)
    }
}

struct LastStepPlan: PlannedLayer {
    let batch: Int
    let steps: Int
    let features: Int
    let hasLengths: Bool

    /// The row of the last step of a sample; nil when it has none.
    @inline(__always)
    private func row(_ sample: Int, _ lengths: UnsafePointer<Int64>?) -> Int? {
        let length = lengths.map { Int($0[sample]) } ?? steps
        return length > 0 ? sample &* steps &+ length &- 1 : nil
    }

    func forward(_ run: Run) throws {
        guard batch > 0 else { return }
        let lengths = hasLengths ? UnsafePointer(run.input(1).int64s) : nil
        if let lengths {
            for sample in 0..<batch where lengths[sample] < 0 || lengths[sample] > Int64(steps) {
                throw PluginError.data(
                    "the length of sample \(sample) is \(lengths[sample]), the input has \(steps) steps: wanted 0 to "
                        + "\(steps)", input: 1)
            }
        }
        guard features > 0 else { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        for sample in 0..<batch {
            if let row = row(sample, lengths) {
                memcpy(y + sample &* features, x + row &* features, features &* 4)
            } else {
                memset(y + sample &* features, 0, features &* 4)
            }
        }
    }

    // dx[n, length − 1] = dy[n], 0 elsewhere
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        guard !dx.isAbsent, dx.count > 0 else { return }
        let (gradient, dy) = (dx.floats, run.outputGradient(0).floats)
        if !dx.accumulates { memset(gradient, 0, dx.count * 4) }
        let lengths = hasLengths ? UnsafePointer(run.input(1).int64s) : nil
        for sample in 0..<batch {
            guard let row = row(sample, lengths) else { continue }
            for feature in 0..<features { gradient[row &* features &+ feature] += dy[sample &* features &+ feature] }
        }
    }
}
