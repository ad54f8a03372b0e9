import Foundation

/// Attention with the dot score, one number at a time in double precision; see `Attention` for the formulas.
struct NaiveAttention {
    var query: [[[Double]]]
    var memory: [[[Double]]]
    var lengths: [Int]
    /// The predicted positions and the window's width; nil: global.
    var local: (positions: [[Double]], width: Int)?

    func weights(_ n: Int, _ t: Int) -> [Double] {
        let steps = memory[n].indices.filter { s in
            guard s < lengths[n] else { return false }
            guard let local else { return true }
            return abs(Double(s) - local.positions[n][t]) <= Double(local.width)
        }
        let scores = steps.map { s in zip(query[n][t], memory[n][s]).reduce(0) { $0 + $1.0 * $1.1 } }
        let greatest = scores.max() ?? 0
        let total = scores.reduce(0) { $0 + exp($1 - greatest) }
        var weights = [Double](repeating: 0, count: memory[n].count)
        for (s, score) in zip(steps, scores) {
            weights[s] = exp(score - greatest) / total
            if let local {
                let (distance, sigma) = (Double(s) - local.positions[n][t], Double(local.width) / 2)
                weights[s] *= exp(-distance * distance / (2 * sigma * sigma))
            }
        }
        return weights
    }

    func context(_ n: Int, _ t: Int) -> [Double] {
        let weights = weights(n, t)
        return (memory[n].first ?? []).indices.map { h in
            weights.indices.reduce(0) { $0 + weights[$1] * memory[n][$1][h] }
        }
    }
}
