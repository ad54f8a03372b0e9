import LaminaSDK

/// Says where two tensors differ, or nil.
enum Comparison {
    /// Every element within `tolerance` · (largest magnitude of `wanted` + its own); NaN equals NaN.
    ///
    /// A tensor of nothing but rounding errors (below 1e-6) is compared with a scale of 0.01.
    static func difference(_ got: TensorValue, _ wanted: TensorValue, tolerance: Double) -> String? {
        if got.shape != wanted.shape { return "has shape \(got.shape), wanted \(wanted.shape)" }
        if got.dtype != wanted.dtype { return "has type \(got.dtype.name), wanted \(wanted.dtype.name)" }
        let (left, right) = (got.doubles, wanted.doubles)
        let largest = right.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
        let scale = largest < 1e-6 ? 0.01 : largest
        var worst: (excess: Double, index: Int)?
        for (index, (a, b)) in zip(left, right).enumerated() where a != b {
            if a.isNaN && b.isNaN { continue }
            let allowed = tolerance * (scale + abs(b))
            let excess = a.isFinite && b.isFinite ? abs(a - b) / allowed : .infinity
            if excess > 1, excess > worst?.excess ?? 0 { worst = (excess, index) }
        }
        guard let worst else { return nil }
        return
            "differs at \(got.position(of: worst.index)): got \(text(left[worst.index])), wanted \(text(right[worst.index]))"
            + " (tolerance \(tolerance) of \(scale + abs(right[worst.index])))"
    }

    /// Every bit equal.
    static func bitDifference(_ got: TensorValue, _ wanted: TensorValue) -> String? {
        if got == wanted { return nil }
        if got.shape != wanted.shape || got.dtype != wanted.dtype { return difference(got, wanted, tolerance: 0) }
        let size = got.dtype.size
        let index = (0..<got.count).first { element in
            got.bytes[element * size..<(element + 1) * size] != wanted.bytes[element * size..<(element + 1) * size]
        }!
        return
            "differs at \(got.position(of: index)): got \(text(got.doubles[index])), wanted \(text(wanted.doubles[index]))"
    }

    /// Plain "nan", without the bits that Swift would print.
    static func text(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }
}

extension LayerResult {
    /// Every tensor with its name, for comparisons.
    func named(_ inferred: InferredLayer) -> [(name: String, value: TensorValue)] {
        var all: [(String, TensorValue)] = outputs.enumerated().map { ("output \($0)", $1) }
        for (buffer, value) in zip(inferred.buffers, buffers) {
            all.append(("buffer '\(buffer.name)' afterwards", value))
        }
        for (index, gradient) in inputGradients.enumerated() {
            if let gradient { all.append(("the gradient of input \(index)", gradient)) }
        }
        for (parameter, gradient) in zip(inferred.parameters, parameterGradients) {
            if let gradient { all.append(("the gradient of parameter '\(parameter.name)'", gradient)) }
        }
        return all
    }

    /// What differs from `wanted`, among the tensors that both have. tolerance nil: every bit counts.
    func differences(from wanted: LayerResult, _ inferred: InferredLayer, tolerance: Double? = nil) -> [String] {
        let others = wanted.named(inferred)
        return named(inferred).compactMap { name, value in
            guard let other = others.first(where: { $0.name == name }) else { return nil }
            let text =
                tolerance.map { Comparison.difference(value, other.value, tolerance: $0) }
                ?? Comparison.bitDifference(value, other.value)
            return text.map { "\(name) \($0)" }
        }
    }
}
