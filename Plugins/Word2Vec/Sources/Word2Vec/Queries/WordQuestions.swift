import CWord2Vec
import Glibc
import LaminaSDK

/// A word and how near it is.
struct Neighbour: Equatable {
    let index: Int
    let score: Float
}

/// Questions to word vectors. Nearness is the cosine of the angle between two vectors; a zero vector is near to none.
struct WordQuestions {
    let vectors: WordVectors
    let host: Host
    /// Per word 1 / |v|; 0 for a zero vector.
    private let inverseNorms: [Float]

    init(_ vectors: WordVectors, host: Host) {
        self.vectors = vectors
        self.host = host
        let dimension = vectors.dimension
        inverseNorms = [Float](unsafeUninitializedCapacity: vectors.count) { norms, count in
            count = vectors.count
            let norms = Columns(base: norms.baseAddress!)
            host.parallelFor(vectors.count, grain: 1024) { begin, end in
                for i in begin..<end {
                    let row = vectors.values + i * dimension
                    var sum: Float = 0
                    lamina_word2vec_products(row, 1, Int64(dimension), row, &sum)
                    norms.base[i] = sum > 0 && sum.isFinite ? 1 / sum.squareRoot() : 0
                }
            }
        }
    }

    private struct Columns: @unchecked Sendable { let base: UnsafeMutablePointer<Float> }

    /// The vector of a word, of length 1.
    func unit(_ index: Int) -> [Float] { vectors.vector(index).map { $0 * inverseNorms[index] } }

    /// The cosines of all words with x, which is brought to length 1.
    private func cosines(_ x: [Float]) -> [Float] {
        let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let scale = norm > 0 ? 1 / norm : 0
        let unit = x.map { $0 * scale }
        let dimension = vectors.dimension
        return [Float](unsafeUninitializedCapacity: vectors.count) { scores, count in
            count = vectors.count
            let scores = Columns(base: scores.baseAddress!)
            host.parallelFor(vectors.count, grain: 1024) { begin, end in
                lamina_word2vec_products(
                    vectors.values + begin * dimension, Int64(end - begin), Int64(dimension), unit, scores.base + begin)
                for i in begin..<end { scores.base[i] *= inverseNorms[i] }
            }
        }
    }

    /// The `count` best of `scores` without some words; equal ones in the order of the vocabulary.
    static func best(_ scores: [Float], _ count: Int, without excluded: Set<Int>) -> [Neighbour] {
        guard count > 0 else { return [] }
        // Twice as many as are wanted at most, of which every sort leaves the better half.
        var best: [Neighbour] = []
        var least = -Float.infinity
        func sort() {
            best.sort { ($1.score, $0.index) < ($0.score, $1.index) }
            best.removeSubrange(min(count, best.count)...)
        }
        for (index, score) in scores.enumerated() {
            if score <= least || score.isNaN || excluded.contains(index) { continue }
            best.append(Neighbour(index: index, score: score))
            guard best.count == 2 * count else { continue }
            sort()
            least = best[count - 1].score
        }
        sort()
        return best
    }

    /// The words nearest to a vector.
    func nearest(to vector: [Float], _ count: Int, without excluded: Set<Int> = []) -> [Neighbour] {
        Self.best(cosines(vector), count, without: excluded)
    }

    /// The words nearest to a word.
    func nearest(to index: Int, _ count: Int) -> [Neighbour] { nearest(to: unit(index), count, without: [index]) }

    /// What is to `c` as `b` is to `a`: the nearest to b - a + c, all of length 1 (3CosAdd).
    ///
    /// T. Mikolov, W. Yih, G. Zweig: Linguistic Regularities in Continuous Space Word Representations, 2013.
    func analogy(_ a: Int, _ b: Int, _ c: Int, _ count: Int) -> [Neighbour] {
        let (a1, b1, c1) = (unit(a), unit(b), unit(c))
        return nearest(to: a1.indices.map { b1[$0] - a1[$0] + c1[$0] }, count, without: [a, b, c])
    }

    /// The same by products of cosines, moved to 0 … 1: near b times near c, divided by near a (3CosMul).
    ///
    /// O. Levy, Y. Goldberg: Linguistic Regularities in Sparse and Explicit Word Representations, 2014.
    func analogyByProducts(_ a: Int, _ b: Int, _ c: Int, _ count: Int) -> [Neighbour] {
        let (toA, toB, toC) = (cosines(unit(a)), cosines(unit(b)), cosines(unit(c)))
        let scores = toA.indices.map { (1 + toB[$0]) / 2 * ((1 + toC[$0]) / 2) / ((1 + toA[$0]) / 2 + 1e-3) }
        return Self.best(scores, count, without: [a, b, c])
    }

    func similarity(_ a: Int, _ b: Int) -> Float { Self.dot(unit(a), unit(b)) }

    static func cosine(_ a: [Float], _ b: [Float]) -> Float {
        let norms = dot(a, a).squareRoot() * dot(b, b).squareRoot()
        return norms > 0 ? dot(a, b) / norms : 0
    }

    private static func dot(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    /// Per word how near it is to the mean of all of them: the smallest does not match.
    func agreement(_ indices: [Int]) -> [Float] {
        let units = indices.map(unit)
        var mean = [Float](repeating: 0, count: vectors.dimension)
        for unit in units { for j in mean.indices { mean[j] += unit[j] / Float(units.count) } }
        return units.map { Self.cosine($0, mean) }
    }
}
