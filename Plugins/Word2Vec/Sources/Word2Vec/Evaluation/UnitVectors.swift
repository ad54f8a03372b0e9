import LaminaSDK

/// The first vectors of a vocabulary brought to length 1, for many analogies at a time.
struct UnitVectors: @unchecked Sendable {
    /// Questions per matrix product.
    static let batch = 64

    let count: Int
    private let dimension: Int
    private let units: UnsafeMutablePointer<Float>
    private let queries: UnsafeMutablePointer<Float>
    private let scores: UnsafeMutablePointer<Float>
    private let host: Host

    init(_ vectors: WordVectors, limit: Int, host: Host) {
        count = min(vectors.count, limit)
        dimension = vectors.dimension
        self.host = host
        units = .allocate(capacity: count * dimension)
        queries = .allocate(capacity: Self.batch * dimension)
        scores = .allocate(capacity: Self.batch * count)
        for i in 0..<count {
            let row = vectors.vector(i)
            let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for j in 0..<dimension { units[i * dimension + j] = norm > 0 ? row[j] / norm : 0 }
        }
    }

    func deallocate() {
        units.deallocate()
        queries.deallocate()
        scores.deallocate()
    }

    /// For each [a, b, c, …] the word nearest to b - a + c, none of the three; -1 if there is no other.
    func answers(_ questions: [[Int]]) throws -> [Int] {
        for (i, question) in questions.enumerated() {
            for j in 0..<dimension {
                let (a, b, c) = (question[0], question[1], question[2])
                queries[i * dimension + j] =
                    units[b * dimension + j] - units[a * dimension + j] + units[c * dimension + j]
            }
        }
        try host.gemm(
            transposeB: true, m: questions.count, n: count, k: dimension, a: queries, lda: dimension, b: units,
            ldb: dimension, c: scores, ldc: count)
        return questions.enumerated().map { i, question in
            for word in question[..<3] { scores[i * count + word] = -.infinity }
            var best = -1
            for word in 0..<count where scores[i * count + word] > (best < 0 ? -.infinity : scores[i * count + best]) {
                best = word
            }
            return best
        }
    }
}
