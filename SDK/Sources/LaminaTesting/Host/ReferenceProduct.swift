import CLamina

/// The naive matrix product with sums in double precision; returns what is wrong with the arguments, or nil.
func multiply(_ product: lamina_gemm) -> String? {
    let (m, n, k) = (Int(product.m), Int(product.n), Int(product.k))
    let (lda, ldb, ldc) = (Int(product.lda), Int(product.ldb), Int(product.ldc))
    let (transposeA, transposeB) = (product.transpose_a != 0, product.transpose_b != 0)
    guard product.struct_size >= UInt32(MemoryLayout<lamina_gemm>.offset(of: \.bias)!) else {
        return "gemm: struct_size is too small"
    }
    let bias = product.struct_size >= UInt32(MemoryLayout<lamina_gemm>.size) ? product.bias : nil
    guard m >= 0, n >= 0, k >= 0, product.batch >= 0 else { return "gemm: m, n, k or batch is negative" }
    guard m > 0, n > 0, product.batch > 0 else { return nil }
    let columnsA = transposeA ? m : k
    let columnsB = transposeB ? k : n
    guard lda >= columnsA, ldb >= columnsB, ldc >= n else {
        return "gemm: lda \(lda), ldb \(ldb), ldc \(ldc) are below the rows' lengths \(columnsA), \(columnsB), \(n)"
    }
    guard let c = product.c, k == 0 || (product.a != nil && product.b != nil) else { return "gemm: a matrix is NULL" }
    var sums = [Double](repeating: 0, count: n)
    for batch in 0..<Int(product.batch) {
        for i in 0..<m {
            for j in 0..<n { sums[j] = 0 }
            for p in 0..<k {
                let a = product.a + batch * Int(product.stride_a)
                let b = product.b + batch * Int(product.stride_b)
                let factor = Double(transposeA ? a[p * lda + i] : a[i * lda + p])
                if transposeB {
                    for j in 0..<n { sums[j] += factor * Double(b[j * ldb + p]) }
                } else {
                    for j in 0..<n { sums[j] += factor * Double(b[p * ldb + j]) }
                }
            }
            let row = c + batch * Int(product.stride_c) + i * ldc
            for j in 0..<n {
                let sum = Double(product.alpha) * sums[j] + Double(bias?[j] ?? 0)
                // With beta = 0 what C holds is not read: it may be NaN.
                row[j] = Float(product.beta == 0 ? sum : sum + Double(product.beta) * Double(row[j]))
            }
        }
    }
    return nil
}
