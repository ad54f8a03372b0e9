import CLaminaMath
import Testing

@Suite struct ArithmeticTests {
    /// Every length up to a few vectors: results, in place too, and nothing written beyond the end.
    @Test(arguments: 0..<70) func agreesWithTheScalarLoop(count: Int) {
        let a = (0..<count).map { Float($0 * 37 % 101) / 7 - 6 }
        let b = (0..<count).map { Float($0 * 53 % 89) / 3 + 0.1 }
        let n = Int64(count)
        func check(_ want: [Float], _ run: (UnsafeMutablePointer<Float>) -> Void) {
            var y = a + [42]
            run(&y)
            #expect(y == want + [42])
        }
        let pairs = Array(zip(a, b))
        check(pairs.map { $0 + $1 }) { lamina_math_add(a, b, $0, n) }
        check(pairs.map { $0 + $1 }) { lamina_math_add($0, b, $0, n) }
        check(pairs.map { $0 - $1 }) { lamina_math_subtract($0, b, $0, n) }
        check(pairs.map { $0 * $1 }) { lamina_math_multiply(a, b, $0, n) }
        check(pairs.map { $0 / $1 }) { lamina_math_divide($0, b, $0, n) }
        check(a.map { 0.3 * $0 }) { lamina_math_scale(0.3, $0, $0, n) }
        check(a.map { max($0, 0) }) { lamina_math_relu($0, $0, n) }
        check(a.map { _ in 2.5 }) { lamina_math_fill(2.5, $0, n) }
        // A factor of few digits: the product is exact, so one rounding and two are the same.
        check(pairs.map { $0 + 0.25 * $1 }) { lamina_math_axpy(0.25, b, $0, n) }
        check(pairs.map { $1 + 0.25 * $0 }) { lamina_math_add_scaled(b, 0.25, a, $0, n) }
    }

    @Test func reluKeepsNaNAndMakesZerosPositive() {
        let x: [Float] = [.nan, -0.0, 0, -.infinity, .infinity, -1, 1]
        var y = [Float](repeating: 5, count: 7)
        lamina_math_relu(x, &y, 7)
        #expect(y[0].isNaN)
        let want: [Float] = [0, 0, 0, .infinity, 0, 1]
        #expect(y[1...].map(\.bitPattern) == want.map(\.bitPattern))
    }
}
