/// A square matrix that equals its transpose, with its eigenvalues by Jacobi's rotations.
///
/// Source: Golub, Van Loan: Matrix Computations, section 8.5 (the cyclic method).
struct SymmetricMatrix {
    let size: Int
    private(set) var values: [Double]

    init(size: Int) {
        self.size = size
        values = [Double](repeating: 0, count: size * size)
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * size + column] }
        set { values[row * size + column] = newValue }
    }

    var trace: Double { (0..<size).reduce(0) { $0 + self[$1, $1] } }

    /// The product with another one; symmetric only where the two commute, or as the middle of A · B · A.
    func product(_ other: SymmetricMatrix) -> SymmetricMatrix {
        var result = SymmetricMatrix(size: size)
        for i in 0..<size {
            for k in 0..<size {
                let factor = self[i, k]
                if factor == 0 { continue }
                for j in 0..<size { result.values[i * size + j] += factor * other.values[k * size + j] }
            }
        }
        return result
    }

    func eigenvalues() -> [Double] {
        let (values, _) = decomposed(wantsVectors: false)
        return values
    }

    /// V · f(Λ) · Vᵀ.
    func mapEigenvalues(_ f: (Double) -> Double) -> SymmetricMatrix {
        let (values, vectors) = decomposed(wantsVectors: true)
        let mapped = values.map(f)
        var result = SymmetricMatrix(size: size)
        for i in 0..<size {
            for j in i..<size {
                var sum = 0.0
                for k in 0..<size { sum += vectors[k * size + i] * mapped[k] * vectors[k * size + j] }
                (result[i, j], result[j, i]) = (sum, sum)
            }
        }
        return result
    }

    /// Eigenvalues, and eigenvectors as rows.
    private func decomposed(wantsVectors: Bool) -> (values: [Double], vectors: [Double]) {
        var a = values
        var vectors = [Double](repeating: 0, count: wantsVectors ? size * size : 0)
        if wantsVectors { for i in 0..<size { vectors[i * size + i] = 1 } }
        let scale = a.reduce(0) { $0 + $1 * $1 }
        for _ in 0..<60 {
            var rest = 0.0
            for i in 0..<size { for j in 0..<i { rest += a[i * size + j] * a[i * size + j] } }
            if rest <= 1e-26 * scale { break }
            for p in 0..<max(size - 1, 0) {
                for q in (p + 1)..<size { rotate(p, q, &a, &vectors) }
            }
        }
        return ((0..<size).map { a[$0 * size + $0] }, vectors)
    }

    /// Makes element (p, q) zero.
    private func rotate(_ p: Int, _ q: Int, _ a: inout [Double], _ vectors: inout [Double]) {
        let off = a[p * size + q]
        if off == 0 { return }
        let theta = (a[q * size + q] - a[p * size + p]) / (2 * off)
        let t = (theta >= 0 ? 1 : -1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        // Rows, then columns of which only those of rows are left: the matrix stays symmetric.
        for k in 0..<size {
            let (x, y) = (a[p * size + k], a[q * size + k])
            (a[p * size + k], a[q * size + k]) = (c * x - s * y, s * x + c * y)
        }
        for k in 0..<size {
            let (x, y) = (a[k * size + p], a[k * size + q])
            (a[k * size + p], a[k * size + q]) = (c * x - s * y, s * x + c * y)
        }
        if vectors.isEmpty { return }
        for k in 0..<size {
            let (x, y) = (vectors[p * size + k], vectors[q * size + k])
            (vectors[p * size + k], vectors[q * size + k]) = (c * x - s * y, s * x + c * y)
        }
    }
}
