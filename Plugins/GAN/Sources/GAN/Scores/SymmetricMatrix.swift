/// A square matrix that equals its transpose.
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

    /// A lower triangular L, row by row, with LLᵀ = A for an A without negative eigenvalues.
    ///
    /// A column that depends on those before it is zero: what rounding leaves of it is left out.
    /// Source: Golub, Van Loan: Matrix Computations, section 4.2.
    func choleskyFactor() -> [Double] {
        let size = size
        let least = (0..<size).reduce(0) { max($0, self[$1, $1]) } * Double(size) * 0x1p-52
        var factor = [Double](repeating: 0, count: size * size)
        factor.withUnsafeMutableBufferPointer { factor in
            for column in 0..<size {
                func rest(_ row: Int) -> Double {
                    var rest = self[row, column]
                    for k in 0..<column { rest -= factor[row * size + k] * factor[column * size + k] }
                    return rest
                }
                let pivot = rest(column)
                guard pivot > least else { continue }
                let root = pivot.squareRoot()
                factor[column * size + column] = root
                for row in column + 1..<size { factor[row * size + column] = rest(row) / root }
            }
        }
        return factor
    }

    /// LᵀAL for a lower triangular L, row by row.
    func between(_ factor: [Double]) -> SymmetricMatrix {
        let size = size
        var product = [Double](repeating: 0, count: size * size)
        var result = SymmetricMatrix(size: size)
        factor.withUnsafeBufferPointer { factor in
            product.withUnsafeMutableBufferPointer { product in
                for i in 0..<size {
                    for k in 0..<size {
                        let value = self[i, k]
                        for j in 0...k { product[i * size + j] += value * factor[k * size + j] }
                    }
                }
                result.values.withUnsafeMutableBufferPointer { result in
                    for k in 0..<size {
                        for i in 0...k {
                            let value = factor[k * size + i]
                            for j in 0..<size { result[i * size + j] += value * product[k * size + j] }
                        }
                    }
                }
            }
        }
        return result
    }

    /// In ascending order, each to about 2⁻⁵² of the largest: a similar tridiagonal matrix is made by reflections, and the eigenvalues
    /// of that are enclosed by counting how many are less than a number.
    ///
    /// Source: Golub, Van Loan: Matrix Computations, sections 8.3.1 and 8.4.
    func eigenvalues() -> [Double] {
        let (diagonal, beside) = tridiagonal()
        let radius = (0..<size).reduce(0) { radius, i in
            max(radius, abs(diagonal[i]) + (i > 0 ? abs(beside[i - 1]) : 0) + (i < size - 1 ? abs(beside[i]) : 0))
        }
        let squares = beside.map { $0 * $0 }
        func countLess(than x: Double) -> Int {
            var (count, pivot) = (0, 1.0)
            for i in 0..<size {
                pivot = diagonal[i] - x - (i > 0 ? squares[i - 1] / pivot : 0)
                if pivot == 0 { pivot = -.leastNormalMagnitude }
                if pivot < 0 { count += 1 }
            }
            return count
        }
        return (0..<size).map { index in
            var (low, high) = (-radius, radius)
            // No number lies between neighbours.
            for _ in 0..<64 {
                let middle = low + (high - low) / 2
                if countLess(than: middle) > index { high = middle } else { low = middle }
            }
            return low + (high - low) / 2
        }
    }

    /// Diagonal and off-diagonal of a similar matrix that has zeros elsewhere.
    private func tridiagonal() -> (diagonal: [Double], beside: [Double]) {
        let size = size
        var a = values
        var beside = [Double](repeating: 0, count: max(size - 1, 0))
        var (v, w) = ([Double](repeating: 0, count: size), [Double](repeating: 0, count: size))
        a.withUnsafeMutableBufferPointer { a in
            for k in 0..<max(size - 1, 0) {
                // The reflection I − 2vvᵀ/vᵀv makes row k zero behind its neighbour.
                for i in k + 1..<size { v[i] = a[k * size + i] }
                let norm = (k + 1..<size).reduce(0) { $0 + v[$1] * v[$1] }.squareRoot()
                beside[k] = v[k + 1] > 0 ? -norm : norm
                v[k + 1] -= beside[k]
                let length = (k + 1..<size).reduce(0) { $0 + v[$1] * v[$1] }
                guard length > 0 else { continue }
                // A − vwᵀ − wvᵀ with p = 2Av/vᵀv and w = p − (vᵀp/vᵀv)v.
                var overlap = 0.0
                for i in k + 1..<size {
                    var sum = 0.0
                    for j in k + 1..<size { sum += a[i * size + j] * v[j] }
                    w[i] = 2 * sum / length
                    overlap += v[i] * w[i]
                }
                for i in k + 1..<size { w[i] -= overlap / length * v[i] }
                for i in k + 1..<size {
                    let (x, y) = (v[i], w[i])
                    for j in k + 1..<size { a[i * size + j] -= x * w[j] + y * v[j] }
                }
            }
        }
        return ((0..<size).map { a[$0 * size + $0] }, beside)
    }
}
