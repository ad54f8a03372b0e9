import Glibc

/// How often words are kept: frequent ones carry less meaning per occurrence and are passed over at random.
///
/// A word that makes up the share f of the text is kept with probability √(t / f) + t / f, as word2vec.c does it; t is
/// the threshold. Mikolov et al.: Distributed Representations of Words and Phrases and their Compositionality, 2013,
/// section 2.3, gives √(t / f).
enum SubSampling {
    /// Per word the probability, out of 2³² - 1.
    static func thresholds(counts: [Int], threshold: Double) -> [UInt32] {
        guard threshold > 0 else { return Array(repeating: .max, count: counts.count) }
        let wanted = threshold * Double(counts.reduce(0, +))
        return counts.map { count in
            let ratio = wanted / Double(max(count, 1))
            return UInt32(min(ratio.squareRoot() + ratio, 1) * Double(UInt32.max))
        }
    }
}
