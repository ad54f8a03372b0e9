import Glibc

// Functions of arrays that CLaminaMath is about to offer under these names; then this file goes.

func lamina_math_log1p(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int64) {
    for i in 0..<Int(n) { y[i] = Float(log1p(Double(x[i]))) }
}

func lamina_math_softplus(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int64) {
    for i in 0..<Int(n) {
        let x = Double(x[i])
        y[i] = Float((x > 0 ? x : (x < 0 ? 0 : x)) + log1p(exp(-x.magnitude)))
    }
}

func lamina_math_sqrt(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int64) {
    for i in 0..<Int(n) { y[i] = x[i].squareRoot() }
}
