import LaminaFormats
import LaminaSDK

/// Compares an optimizer's way with that of a golden file, step by step. Empty: all agree.
///
/// A case has `parameter.<i>` (start), `gradients.<i>` with a leading step dimension, and `trajectory.<i>`: the
/// parameter after every step, or after the steps that the metadata lists (`"steps": [1, 10, 100]`, 1 is the first).
/// Details `gradient_scale`, `clip_value` and `learning_rate_factor` hold for all steps. Values may differ by 1e-5
/// (`"tolerance": {"output": …}`), relative to the parameter's largest magnitude plus the element's own.
///
/// Besides, for every case: the bits are the same on three threads with shuffled chunks, and when another instance goes
/// on halfway from the saved states, as a resumed training does.
///
/// - Throws: when the file cannot be read or is not in the form.
public func checkOptimizer(_ component: Component, golden path: String) throws -> [String] {
    try GoldenFile(path: path).cases.flatMap { golden in
        do {
            let check = try TrajectoryCheck(component, golden)
            let faults = try check.compare()
            return try (faults.isEmpty ? check.checkThreads() + check.checkResuming() : faults).map {
                "\(golden.name): \($0)"
            }
        } catch let error as GoldenError {
            throw GoldenError("\(path), case '\(golden.name)': \(error)")
        } catch {
            return ["\(golden.name): \(error)"]
        }
    }
}

private struct TrajectoryCheck {
    let component: Component
    let golden: GoldenFile.Case
    let start: [TensorValue]
    let gradients: [TensorValue]
    let trajectory: [TensorValue]
    /// Step numbers of the trajectory's entries.
    let steps: [Int]
    let stepCount: Int
    let settings: (factor: Double, scale: Double, clip: Double)

    init(_ component: Component, _ golden: GoldenFile.Case) throws {
        self.component = component
        self.golden = golden
        try golden.checkPrefixes(["parameter", "gradients", "trajectory"])
        start = try golden.numbered("parameter").compactMap { $0 }
        gradients = try golden.numbered("gradients").compactMap { $0 }
        trajectory = try golden.numbered("trajectory").compactMap { $0 }
        guard let stepCount = gradients.first?.shape.first, start.count == gradients.count,
            start.count == trajectory.count
        else { throw GoldenError("wanted as many gradients and trajectories as parameters, at least one") }
        for (index, value) in start.enumerated() {
            guard gradients[index].shape == [stepCount] + value.shape,
                Array(trajectory[index].shape.dropFirst()) == value.shape,
                trajectory[index].shape[0] == trajectory[0].shape[0]
            else { throw GoldenError("gradients.\(index) or trajectory.\(index) does not fit parameter.\(index)") }
        }
        self.stepCount = stepCount
        switch golden.details["steps"] {
        case .array(let numbers): steps = try numbers.map { try Int(json: $0, at: "steps") }
        default: steps = Array(1...stepCount)
        }
        guard steps.count == trajectory[0].shape[0], steps.allSatisfy({ 1...stepCount ~= $0 }) else {
            throw GoldenError("the trajectory has \(trajectory[0].shape[0]) entries for \(steps.count) steps")
        }
        settings = (
            try golden.number("learning_rate_factor", usual: 1), try golden.number("gradient_scale", usual: 1),
            try golden.number("clip_value", usual: .infinity)
        )
    }

    /// Entry `step` (from 0) of tensors with a leading step dimension.
    private func slices(_ tensors: [TensorValue], _ step: Int) -> [TensorValue] {
        tensors.map { tensor in
            let shape = Array(tensor.shape.dropFirst())
            let size = shape.reduce(tensor.dtype.size, *)
            return TensorValue(tensor.dtype, shape, bytes: Array(tensor.bytes[step * size..<(step + 1) * size]))
        }
    }

    private func make(_ parameters: [TensorValue], _ host: TestHost = TestHost()) throws -> OptimizerHarness {
        try OptimizerHarness(component, golden.attributes, parameters: parameters, host: host)
    }

    private func run(_ optimizer: OptimizerHarness, until last: Int) throws {
        while optimizer.stepCount < last {
            try optimizer.step(
                slices(gradients, optimizer.stepCount), learningRateFactor: settings.factor,
                gradientScale: settings.scale, clipValue: settings.clip)
        }
    }

    func compare() throws -> [String] {
        let tolerance = try golden.tolerance("output", usual: 1e-5)
        let optimizer = try make(start)
        for (entry, step) in steps.enumerated() {
            try run(optimizer, until: step)
            for (index, wanted) in slices(trajectory, entry).enumerated() {
                if let text = Comparison.difference(optimizer.parameters[index], wanted, tolerance: tolerance) {
                    return ["after step \(step), parameter \(index) \(text)"]
                }
            }
        }
        return []
    }

    func checkThreads() throws -> [String] {
        // Large enough to be cut into chunks: the golden parameters once, then numbers that are random.
        let size = 150_001
        let values = [TensorValue.normal([size], seed: 5), .normal([3, 7], seed: 6), .normal([0], seed: 7)]
        func steps(_ threads: Int, shuffled: Bool) throws -> OptimizerHarness {
            let host = TestHost()
            (host.threads, host.shufflesChunks) = (threads, shuffled)
            let optimizer = try make(values, host)
            for step in 0..<3 {
                let gradients = values.map { TensorValue.normal($0.shape, seed: UInt64(100 + step)) }
                try optimizer.step(
                    gradients, learningRateFactor: settings.factor, gradientScale: settings.scale,
                    clipValue: settings.clip)
            }
            return optimizer
        }
        let alone = try steps(1, shuffled: false)
        let together = try steps(3, shuffled: true)
        return zip(alone.parameters + alone.stateValues, together.parameters + together.stateValues).compactMap {
            Comparison.bitDifference($1, $0).map { "with 3 threads instead of 1, a parameter or state \($0)" }
        }
    }

    func checkResuming() throws -> [String] {
        guard stepCount > 1 else { return [] }
        let straight = try make(start)
        try run(straight, until: stepCount / 2)
        let resumed = try make(straight.parameters)
        resumed.stateValues = straight.stateValues
        resumed.resume(after: straight.stepCount)
        try run(straight, until: stepCount)
        try run(resumed, until: stepCount)
        return zip(straight.parameters, resumed.parameters).enumerated().compactMap { index, pair in
            Comparison.bitDifference(pair.1, pair.0).map {
                "resumed at step \(stepCount / 2) from its states, parameter \(index) \($0): keep everything in states"
            }
        }
    }
}
