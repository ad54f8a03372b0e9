import Glibc
import LaminaSDK

/// The choice of the next token from logits: temperature, the k most probable, the nucleus of probability p.
///
/// Softmax(logits / temperature), of which `topK` tokens are kept, then the fewest whose probabilities add up to `topP`
/// (Holtzman et al.: The Curious Case of Neural Text Degeneration, 2019). Temperature 0 takes the most probable.
///
/// Of the tokens that are left, that with the largest logit / temperature + g is taken, g = -log(-log u) being a number of
/// each token's own: which is the distribution (Maddison, Tarlow, Minka: A* Sampling, 2014), and logits that differ by
/// rounding alone, as those of a step and of a whole text do, give the same token but where two sums are equal up to that.
public struct Sampling: Sendable {
    public var temperature = 1.0
    /// nil: all.
    public var topK: Int?
    public var topP = 1.0

    public init(temperature: Double = 1, topK: Int? = nil, topP: Double = 1) {
        (self.temperature, self.topK, self.topP) = (temperature, topK, topP)
    }

    /// Throws `.data` where only forbidden tokens have a probability.
    ///
    /// - Parameter random: 2 `count` numbers, uniform in [0, 1): two a token, as one has too few bits for rare tokens.
    public func choose(
        _ logits: UnsafePointer<Float>, _ count: Int, random: UnsafePointer<Float>, forbidden: [Int64] = []
    ) throws -> Int64 {
        var probabilities = [Double](repeating: 0, count: count)
        logProbabilities(logits, count, into: &probabilities)
        for token in forbidden where token >= 0 && token < count { probabilities[Int(token)] = -.infinity }
        let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] }!
        guard probabilities[best] > -.infinity else { throw PluginError.nothingFollows }
        guard temperature > 0 else { return Int64(best) }
        let kept: [Int]
        if topK == nil, topP >= 1 {
            kept = Array(probabilities.indices)
        } else {
            let order = probabilities.indices.sorted { left, right in
                let (a, b) = (probabilities[left], probabilities[right])
                return a == b ? left < right : a > b
            }
            kept = Array(order.prefix(min(topK ?? count, count)))
        }
        // The difference first: divided by a temperature near 0 each of the two may be infinite.
        var weights = kept.map { exp((probabilities[$0] - probabilities[best]) / temperature) }
        let total = weights.reduce(0, +)
        var sum = 0.0
        for (index, weight) in weights.enumerated() {
            sum += weight / total
            if sum >= topP {
                weights.removeSubrange((index + 1)...)
                break
            }
        }
        // The largest of log w - log(-log u) is where -log(u) / w is least.
        var (chosen, least) = (best, Double.infinity)
        for (index, weight) in weights.enumerated() where weight > 0 {
            let uniform = Double(random[2 * kept[index]]) + Double(random[2 * kept[index] + 1]) * 0x1p-24
            let wait = -log1p(-uniform) / weight
            if wait < least { (chosen, least) = (kept[index], wait) }
        }
        return Int64(chosen)
    }
}
