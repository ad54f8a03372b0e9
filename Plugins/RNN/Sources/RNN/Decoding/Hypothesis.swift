import Glibc
import LaminaSDK

/// A translation that is found or being made.
struct Hypothesis {
    /// Without the token that begins, with the one that ends.
    var tokens: [Int64] = []
    /// Sum of the tokens' log-probabilities.
    var logProbability = 0.0
    /// Whether it ends with the token for the end, not with the longest length.
    var isFinished = false
    /// Attention of each step to the source's tokens, where it is wanted.
    var weights: [[Float]] = []

    /// What hypotheses of different lengths are compared by.
    ///
    ///     log P(Y) / lp(Y),  lp(Y) = ((5 + |Y|) / 6)^α
    ///
    /// Wu et al.: Google's Neural Machine Translation System (2016), equation 14. With α = 0 it is log P(Y).
    ///
    /// - Parameter length: |Y|, if it is not that of the tokens so far.
    func score(penalty alpha: Double, length: Int? = nil) -> Double {
        alpha == 0 ? logProbability : logProbability / pow(Double(5 + (length ?? tokens.count)) / 6, alpha)
    }
}

/// Throws `.data` unless logits are numbers from which probabilities follow: -inf is one, NaN and inf are none.
func checkLogits(_ logits: UnsafePointer<Float>, _ count: Int) throws {
    let row = UnsafeBufferPointer(start: logits, count: count)
    guard row.allSatisfy({ $0 < .infinity }), row.contains(where: { $0.isFinite }) else {
        throw PluginError.data(
            "the model gives logits that are no numbers (NaN or infinity): its training has diverged, or its weights "
                + "are damaged")
    }
}

/// log softmax of a row of logits, in double precision.
func logProbabilities(_ logits: UnsafePointer<Float>, _ count: Int, into out: inout [Double]) {
    var largest = -Double.infinity
    for index in 0..<count { largest = max(largest, Double(logits[index])) }
    var sum = 0.0
    for index in 0..<count { sum += exp(Double(logits[index]) - largest) }
    let shift = largest + log(sum)
    for index in 0..<count { out[index] = Double(logits[index]) - shift }
}
