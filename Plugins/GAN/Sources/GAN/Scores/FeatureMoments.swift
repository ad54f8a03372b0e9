/// Mean μ and covariance Σ (with n − 1) of features, [N, F].
///
/// The Fréchet distance of two normal distributions is |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½). With Σ₁ = LLᵀ, Σ₁Σ₂ has the eigenvalues of
/// LᵀΣ₂L, so the last trace is the sum of their roots.
///
/// Sources: Dowson, Landau: The Fréchet distance between multivariate normal distributions, J. Multivariate Analysis 1982; as a score
/// Heusel et al.: GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, NeurIPS 2017 (there of features of
/// the Inception network).
struct FeatureMoments {
    /// Of more features a distance, some n³ operations, takes many minutes and a matrix much memory.
    static let mostFeatures = 4096

    private(set) var count = 0
    private var sum: [Double]
    /// The upper triangle of Σ xxᵀ, in rows of `size`.
    private var squares: [Double]
    let size: Int

    init(size: Int) {
        self.size = size
        sum = [Double](repeating: 0, count: size)
        squares = [Double](repeating: 0, count: size * size)
    }

    mutating func add(_ features: UnsafePointer<Float>, rows: Int) {
        count += rows
        for index in 0..<rows * size { sum[index % size] += Double(features[index]) }
        let size = size
        squares.withUnsafeMutableBufferPointer { squares in
            for row in 0..<rows {
                let x = features + row * size
                for i in 0..<size {
                    let value = Double(x[i])
                    for j in i..<size { squares[i * size + j] += value * Double(x[j]) }
                }
            }
        }
    }

    private var mean: [Double] { sum.map { $0 / Double(count) } }

    private var covariance: SymmetricMatrix {
        let mean = mean
        var matrix = SymmetricMatrix(size: size)
        for i in 0..<size {
            for j in i..<size {
                let value = (squares[i * size + j] - Double(count) * mean[i] * mean[j]) / Double(max(count - 1, 1))
                (matrix[i, j], matrix[j, i]) = (value, value)
            }
        }
        return matrix
    }

    func frechetDistance(to other: FeatureMoments) -> Double {
        let means = zip(mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let (a, b) = (covariance, other.covariance)
        let trace = b.between(a.choleskyFactor()).eigenvalues().reduce(0) { $0 + max($1, 0).squareRoot() }
        return max(0, means + a.trace + b.trace - 2 * trace)
    }
}
