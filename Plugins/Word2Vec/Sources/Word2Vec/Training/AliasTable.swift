import CWord2Vec
import Glibc

/// Draws words in proportion to given weights, each at the cost of one random number.
///
/// A. Walker: An Efficient Method for Generating Discrete Random Variables with General Distributions, 1977, built as in
/// M. Vose: A Linear Algorithm for Generating Random Numbers with a Given Distribution, 1991.
final class AliasTable {
    let slots: UnsafeMutablePointer<lamina_word2vec_slot>
    let count: Int

    init(weights: [Double]) {
        count = weights.count
        slots = .allocate(capacity: max(count, 1))
        let total = weights.reduce(0, +)
        // What a slot holds, out of 1; those below are filled up from those above.
        var share = weights.map { $0 / total * Double(weights.count) }
        var below = share.indices.filter { share[$0] < 1 }
        var above = share.indices.filter { share[$0] >= 1 }
        while let small = below.last, let large = above.last {
            below.removeLast()
            let threshold = UInt32(min(share[small] * 0x1p32, 0x1p32 - 1))
            slots[small] = lamina_word2vec_slot(threshold: threshold, alias: Int32(large))
            share[large] -= 1 - share[small]
            if share[large] < 1 {
                above.removeLast()
                below.append(large)
            }
        }
        // Rounding leaves some that are full.
        for index in below + above { slots[index] = lamina_word2vec_slot(threshold: .max, alias: Int32(index)) }
    }

    /// The noise distribution: counts to the power of `exponent`.
    convenience init(counts: [Int], exponent: Double) {
        self.init(weights: counts.map { pow(Double($0), exponent) })
    }

    deinit { slots.deallocate() }
}
