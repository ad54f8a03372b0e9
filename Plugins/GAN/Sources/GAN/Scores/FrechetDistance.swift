/// The Fréchet distance between two normal distributions, ‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), of features of real and of
/// generated samples: 0 for equal ones.
///
/// Tr (Σ₁Σ₂)^½ is the sum of the roots of the eigenvalues of the symmetric Σ₁^½ Σ₂ Σ₁^½.
///
/// Source: Heusel et al.: GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, NeurIPS 2017
/// (there of features of the Inception network).
struct FeatureMoments {
    private(set) var count = 0
    private var sum: [Double]
    /// Σ xxᵀ, row by row.
    private var squares: [Double]
    private let size: Int

    init(size: Int) {
        self.size = size
        sum = [Double](repeating: 0, count: size)
        squares = [Double](repeating: 0, count: size * size)
    }

    mutating func add(_ features: UnsafePointer<Float>, rows: Int) {
        count += rows
        for row in 0..<rows {
            let x = features + row * size
            for i in 0..<size {
                let value = Double(x[i])
                sum[i] += value
                for j in i..<size { squares[i * size + j] += value * Double(x[j]) }
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
        let root = a.mapEigenvalues { max($0, 0).squareRoot() }
        let product = root.product(b).product(root)
        let trace = product.eigenvalues().reduce(0) { $0 + max($1, 0).squareRoot() }
        return max(0, means + a.trace + b.trace - 2 * trace)
    }
}
