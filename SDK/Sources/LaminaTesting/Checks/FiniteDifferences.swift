import CLamina
import Glibc
import LaminaSDK

/// Compares a layer's gradients with differences of its forward.
///
/// The function is L = Σ r·y in double precision, with the output gradients r. An element's slope is Richardson's
/// combination of two central differences; where it misses, smaller steps and then the slopes to either side are tried,
/// so that kinks (relu at 0, the maximum of a pool) do no harm.
struct FiniteDifferences {
    private let subject: LayerSubject
    private let tolerance: Double
    private let session: LayerSession
    private let result: LayerResult
    /// Elements per tensor that are looked at one by one.
    private static let elementLimit = 40

    init(_ subject: LayerSubject, _ tolerance: Double, isTraining: Bool = true) throws {
        self.subject = subject
        self.tolerance = tolerance
        session = try subject.session(.init(isTraining: isTraining, hasBackward: true))
        result = try session.step(subject.values)
    }

    /// A tensor whose gradient is checked.
    private struct Target {
        let name: String
        let gradient: [Double]
        let value: TensorValue
        let replace: (inout LayerSession.Values, TensorValue) -> Void
    }

    private var targets: [Target] {
        var targets: [Target] = []
        for (index, gradient) in result.inputGradients.enumerated() {
            guard let gradient, gradient.dtype == .float32, let value = subject.values.inputs[index] else { continue }
            targets.append(
                Target(name: "input \(index)", gradient: gradient.doubles, value: value) { $0.inputs[index] = $1 })
        }
        for (index, gradient) in result.parameterGradients.enumerated() {
            guard let gradient else { continue }
            targets.append(
                Target(
                    name: "parameter '\(session.inferred.parameters[index].name)'", gradient: gradient.doubles,
                    value: subject.values.parameters[index]
                ) { $0.parameters[index] = $1 })
        }
        return targets
    }

    /// Elements one by one (a sample of large tensors), then directions.
    func check() throws -> [String] {
        var faults: [String] = []
        for target in targets {
            if let fault = try checkElements(target) { faults.append(fault) }
        }
        return try faults.isEmpty ? checkDirections() : faults
    }

    /// The slope along random directions, which every element takes part in.
    func checkDirections() throws -> [String] {
        var faults: [String] = []
        for target in targets where !target.gradient.isEmpty {
            if let fault = try checkDirection(target) { faults.append(fault) }
        }
        return faults
    }

    private func loss(_ target: Target, _ value: TensorValue) throws -> Double {
        var values = subject.values
        target.replace(&values, value)
        let result = try session.forward(values)
        var sum = 0.0
        for (output, gradient) in zip(result.outputs, values.outputGradients) where output.dtype.isReal {
            for (y, r) in zip(output.doubles, gradient.doubles) { sum += y * r }
        }
        return sum
    }

    /// What rounding of the outputs may add to a difference.
    private var noise: Double {
        var squares = 0.0
        for (output, gradient) in zip(result.outputs, subject.values.outputGradients) where output.dtype.isReal {
            for (y, r) in zip(output.doubles, gradient.doubles) { squares += y * y * r * r }
        }
        return 3e-7 * sqrt(squares)
    }

    private func checkElements(_ target: Target) throws -> String? {
        let scale = target.gradient.reduce(0) { max($0, abs($1)) }
        let noise = noise
        let base = target.value.floats
        for index in sample(target.gradient.count) {
            let wanted = target.gradient[index]
            var closest: Double?
            for (step, kind) in [(0x1p-6, Slope.central), (0x1p-9, .central), (0x1p-9, .right), (0x1p-9, .left)] {
                let h = Float(step) * max(1, abs(base[index]))
                let slope = try slope(kind, h) { try loss(target, target.value.setting(index, to: base[index] + $0)) }
                let allowed = tolerance * max(scale, abs(slope)) + noise / Double(h)
                if abs(slope - wanted) <= allowed {
                    closest = nil
                    break
                }
                if closest == nil || abs(slope - wanted) < abs(closest! - wanted) { closest = slope }
            }
            if let closest {
                return "the gradient of \(target.name) is \(wanted) at \(target.value.position(of: index)),"
                    + " finite differences say \(closest)"
            }
        }
        return nil
    }

    private enum Slope { case central, left, right }

    private func slope(_ kind: Slope, _ h: Float, _ value: (Float) throws -> Double) throws -> Double {
        let step = Double(h)
        switch kind {
        case .central:
            let near = try value(h) - value(-h)
            let far = try value(2 * h) - value(-2 * h)
            return (8 * near - far) / (12 * step)
        case .right:
            return try (4 * value(h) - 3 * value(0) - value(2 * h)) / (2 * step)
        case .left:
            return try (3 * value(0) - 4 * value(-h) + value(-2 * h)) / (2 * step)
        }
    }

    /// All elements, or the first, the last and a random choice.
    private func sample(_ count: Int) -> [Int] {
        guard count > Self.elementLimit else { return Array(0..<count) }
        let random = TensorValue.integers([Self.elementLimit - 2], 0..<count, seed: UInt64(count)).elements(
            as: Int64.self)
        return [0, count - 1] + random.map { min(Int($0), count - 1) }
    }

    private func checkDirection(_ target: Target) throws -> String? {
        let direction = TensorValue.integers(target.value.shape, 0..<2, seed: 99).elements(as: Int64.self).map {
            $0 == 0 ? Float(-1) : 1
        }
        let base = target.value.floats
        let h: Float = 0x1p-10
        func moved(_ factor: Float) throws -> (Double, [Float]) {
            let value = zip(base, direction).map { $0 + factor * h * $1 }
            return (try loss(target, TensorValue(target.value.shape, value)), value)
        }
        let (above, high) = try moved(1)
        let (below, low) = try moved(-1)
        // With the steps that float32 really made.
        var wanted = 0.0
        var squares = 0.0
        for (index, slope) in target.gradient.enumerated() {
            wanted += slope * (Double(high[index]) - Double(low[index]))
            squares += slope * slope
        }
        wanted /= 2 * Double(h)
        let got = (above - below) / (2 * Double(h))
        // Kinks that the step crosses count like noise; there are few.
        let allowed = 0.03 * sqrt(squares) + noise / Double(h)
        if abs(got - wanted) <= allowed { return nil }
        return "the gradient of \(target.name) gives a slope of \(wanted) along a random direction,"
            + " finite differences say \(got) (allowed \(allowed))"
    }
}
