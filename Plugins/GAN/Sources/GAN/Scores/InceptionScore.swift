import Glibc

/// The inception score, IS = exp(E_x KL(p(y|x) ‖ p(y))), of class probabilities p(y|x) of samples x, p(y) their mean.
///
/// From 1 to the number of classes: high when each sample is clearly of one class, and all classes are equally frequent.
///
/// Source: Salimans et al.: Improved Techniques for Training GANs, NeurIPS 2016.
enum InceptionScore {
    /// Mean and standard deviation over `splits` parts of the samples, in their order: from 1 to as many as samples.
    static func of(_ probabilities: [[Double]], splits: Int) -> (mean: Double, deviation: Double) {
        let scores = (0..<splits).map { part in
            score(probabilities[part * probabilities.count / splits..<(part + 1) * probabilities.count / splits])
        }
        let mean = scores.reduce(0, +) / Double(splits)
        let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(splits)
        return (mean, variance.squareRoot())
    }

    private static func score(_ rows: ArraySlice<[Double]>) -> Double {
        guard let first = rows.first else { return 1 }
        var marginal = [Double](repeating: 0, count: first.count)
        for row in rows { for (index, p) in row.enumerated() { marginal[index] += p / Double(rows.count) } }
        var divergence = 0.0
        for row in rows {
            for (p, q) in zip(row, marginal) where p > 0 && q > 0 { divergence += p * log(p / q) }
        }
        return exp(divergence / Double(rows.count))
    }
}
