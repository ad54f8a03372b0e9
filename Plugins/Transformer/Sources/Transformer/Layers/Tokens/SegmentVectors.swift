import CLaminaMath
import Glibc
import LaminaSDK

/// A trained vector per segment, added to each step: y[n, t] = x[n, t] + weight[s[n, t]].
///
/// x and y are [N, T, D], segments s [N, T] (int64 or int32, 0 to count - 1), weight is [count, D] and starts normal with
/// standard deviation 0.02. Without s, all steps are of segment 0. Devlin et al.: BERT (2019), section 3.
struct SegmentVectors: Layer {
    static let name = "segment_vectors"
    static let documentation = "Adds a trained vector to each step, by the segment that it belongs to."
    static let inputs: [Port] = [
        Port("input", .required, "sequences [N, T, D]"),
        Port("segments", .optional, "the segment of each step [N, T], int64; without it, 0"),
    ]
    static let attributes: [AttributeSchema] = [.integer("count", 1...1e9, "number of segments")]

    let count: Int

    init(_ attributes: Attributes) { count = attributes.integer("count") }

    func infer(_ inference: Inference) throws {
        let shape = try inference.sequence(0, "input")
        let features = try inference.literal(shape[2], "the last dimension, on which the weight's shape depends,")
        if inference.isConnected(1) {
            try inference.require(1, .int64, .int32)
            guard inference.shape(1) == Array(shape[0..<2]) else {
                throw PluginError.shape(
                    "the segments have shape \(inference.host.text(inference.shape(1))), wanted "
                        + "\(inference.host.text(Array(shape[0..<2]))), one per step", input: 1)
            }
        }
        try inference.addParameter(
            "weight", [count, features], initializer: "core.normal", ["mean": .real(0), "std": .real(0.02)])
        try inference.addOutput(.float32, shape)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { SegmentVectorsPlan(planning, self) }
}

struct SegmentVectorsPlan: PlannedLayer {
    private enum Segments { case none, narrow, wide }

    private let count, rows, width: Int
    private let segments: Segments

    init(_ planning: Planning, _ layer: SegmentVectors) {
        let x = planning.input(0)
        (count, rows, width) = (layer.count, x.size(0) * x.size(1), x.size(2))
        if planning.inputCount > 1, !planning.input(1).isAbsent {
            segments = planning.input(1).dtype == .int64 ? .wide : .narrow
            if planning.wantsParameterGradient(0) { planning.saveInput(1) }
        } else {
            segments = .none
            planning.allowSteps()
        }
        planning.allowReuse()
        planning.allowGradientView()
        let elements = Double(x.count)
        planning.setFLOPs(forward: elements, backward: planning.wantsParameterGradient(0) ? elements : 0)
    }

    func forward(_ run: Run) throws {
        if rows == 0 || width == 0 { return }
        switch segments {
        case .none: add(run) { _ in 0 }
        case .narrow: try add(run, run.input(1).int32s)
        case .wide: try add(run, run.input(1).int64s)
        }
    }

    private func add<Index: FixedWidthInteger>(_ run: Run, _ indices: UnsafeMutablePointer<Index>) throws {
        if let step = (0..<rows).first(where: { indices[$0] < 0 || Int(indices[$0]) >= count }) {
            throw PluginError.data(
                "step \(step) is of segment \(indices[step]), but count is \(count): wanted 0 to \(count - 1)", input: 1
            )
        }
        add(run) { Int(indices[$0]) }
    }

    private func add(_ run: Run, _ segment: (Int) -> Int) {
        let (x, y, weight, width) = (run.input(0).floats, run.output(0).floats, run.parameter(0).floats, width)
        run.host.parallelFor(rows, grain: max(1, elementGrain / width)) { begin, end in
            for row in begin..<end {
                lamina_math_add(x + row &* width, weight + segment(row) &* width, y + row &* width, Int64(width))
            }
        }
    }

    // dx = dy;  dweight[k] = Σ dy[n, t] over the steps of segment k
    func backward(_ run: Run) {
        let dW = run.parameterGradient(0)
        if !dW.isAbsent, dW.count > 0 {
            if !dW.accumulates { memset(dW.floats, 0, dW.count * 4) }
            if rows > 0 {
                switch segments {
                case .none:
                    let (from, to) = (run.outputGradient(0).floats, dW.floats)
                    run.host.parallelFor(width, grain: grain) { begin, end in
                        sumRows(from, rows: rows, stride: width, begin, end, into: to, accumulate: true)
                    }
                case .narrow: scatter(run, run.input(1).int32s, dW.floats)
                case .wide: scatter(run, run.input(1).int64s, dW.floats)
                }
            }
        }
        scaleGradient(run, by: 1)
    }

    /// Cut along the features: chunks write to different columns, and each adds in the order of the steps.
    private func scatter<Index: FixedWidthInteger>(
        _ run: Run, _ indices: UnsafeMutablePointer<Index>, _ dW: UnsafeMutablePointer<Float>
    ) {
        let (dy, rows, width) = (run.outputGradient(0).floats, rows, width)
        run.host.parallelFor(width, grain: grain) { begin, end in
            for row in 0..<rows {
                let to = dW + (Int(indices[row]) &* width &+ begin)
                lamina_math_add(to, dy + (row &* width &+ begin), to, Int64(end &- begin))
            }
        }
    }

    private var grain: Int { rows * width <= elementGrain ? width : max(64, (width / 4 + 15) / 16 * 16) }
}
