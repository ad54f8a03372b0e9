import Glibc

/// An answer that is found or being made.
public struct Hypothesis: Sendable {
    /// Without those that it begins with, with the one that ends it.
    public var tokens: [Int64] = []
    /// Sum of the tokens' log-probabilities.
    public var logProbability = 0.0
    /// Whether it has come to an end of its own, not to the longest length.
    public var isFinished = false
    /// Attention of each step to the source's tokens, where it is wanted.
    public var weights: [[Float]] = []

    public init(tokens: [Int64] = [], logProbability: Double = 0, isFinished: Bool = false) {
        (self.tokens, self.logProbability, self.isFinished) = (tokens, logProbability, isFinished)
    }

    /// What hypotheses of different lengths are compared by.
    ///
    ///     log P(Y) / lp(Y),  lp(Y) = ((5 + |Y|) / 6)^α
    ///
    /// Wu et al.: Google's Neural Machine Translation System (2016), equation 14. With α = 0 it is log P(Y).
    ///
    /// - Parameter length: |Y|, if it is not that of the tokens so far.
    public func score(penalty alpha: Double, length: Int? = nil) -> Double {
        alpha == 0 ? logProbability : logProbability / pow(Double(5 + (length ?? tokens.count)) / 6, alpha)
    }
}
