import CLamina
import Testing

@testable import LaminaHost

/// Products through the host against the naive loop, and the same bits on any number of threads.
@Suite(.serialized) struct GemmTests {
    private struct Case: CustomStringConvertible {
        var m: Int, n: Int, k: Int, batch = 1, transposeA = false, transposeB = false, beta: Float = 0, bias = false
        var description: String {
            "\(batch)× \(m)×\(k)\(transposeA ? "ᵀ" : "") · \(k)×\(n)\(transposeB ? "ᵀ" : "") β \(beta)\(bias ? " + bias" : "")"
        }
    }

    private static let cases: [Case] = {
        var cases: [Case] = []
        for (m, n, k) in [
            (1, 1, 1), (3, 5, 7), (64, 10, 784), (129, 257, 65), (0, 4, 3), (4, 0, 3), (4, 5, 0), (300, 1, 300),
        ] {
            for transposes in 0..<4 {
                cases.append(
                    Case(
                        m: m, n: n, k: k, transposeA: transposes & 1 != 0, transposeB: transposes & 2 != 0,
                        beta: transposes == 0 ? 0 : 0.5))
            }
        }
        cases.append(Case(m: 17, n: 9, k: 33, batch: 12))
        cases.append(Case(m: 512, n: 512, k: 96, beta: 1))
        // Sums that are cut; into fewer parts than there would be tiles; into parts of different lengths.
        cases.append(Case(m: 256, n: 200, k: 1100, transposeA: true))
        // Large enough to be compiled: strips of both widths and what is left over, and parts of sums.
        cases.append(Case(m: 700, n: 256, k: 128, transposeB: true, beta: 1))
        cases.append(Case(m: 2100, n: 96, k: 128))
        cases.append(Case(m: 320, n: 300, k: 1024, transposeA: true, beta: 1))
        // Of the sums of a gradient whole units are compiled, and the rest is not.
        cases.append(Case(m: 520, n: 256, k: 999, transposeA: true))
        cases.append(Case(m: 100, n: 90, k: 9001, transposeA: true, beta: 1))
        for transposes in 0..<4 {
            cases.append(
                Case(
                    m: 33, n: 64, k: 5003, transposeA: transposes & 1 != 0, transposeB: transposes & 2 != 0,
                    beta: transposes == 0 ? 0 : 0.5))
        }
        return cases
            + cases.map {
                var biased = $0
                biased.bias = true
                return biased
            }
    }()

    private func numbers(_ count: Int, _ seed: Int) -> [Float] {
        (0..<max(count, 1)).map { Float(($0 &* 7919 &+ seed &* 104729) % 1000) / 500 - 1 }
    }

    private func product(_ c: Case) -> (got: [Float], a: [Float], b: [Float], start: [Float], bias: [Float]) {
        let a = numbers(c.batch * c.m * c.k, 1)
        let b = numbers(c.batch * c.k * c.n, 2)
        let bias = numbers(c.n, 4)
        let start =
            c.beta == 0 ? [Float](repeating: .nan, count: max(c.batch * c.m * c.n, 1)) : numbers(c.batch * c.m * c.n, 3)
        var result = start
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                result.withUnsafeMutableBufferPointer { result in
                    var arguments = lamina_gemm()
                    arguments.struct_size = UInt32(MemoryLayout<lamina_gemm>.size)
                    (arguments.m, arguments.n, arguments.k) = (Int64(c.m), Int64(c.n), Int64(c.k))
                    (arguments.transpose_a, arguments.transpose_b) = (c.transposeA ? 1 : 0, c.transposeB ? 1 : 0)
                    (arguments.alpha, arguments.beta) = (1, c.beta)
                    (arguments.a, arguments.lda) = (a.baseAddress, Int64(max(1, c.transposeA ? c.m : c.k)))
                    (arguments.b, arguments.ldb) = (b.baseAddress, Int64(max(1, c.transposeB ? c.k : c.n)))
                    (arguments.c, arguments.ldc) = (result.baseAddress, Int64(max(1, c.n)))
                    arguments.batch = Int64(c.batch)
                    (arguments.stride_a, arguments.stride_b, arguments.stride_c) = (
                        Int64(c.m * c.k), Int64(c.k * c.n), Int64(c.m * c.n)
                    )
                    let services = Runtime.shared.services
                    let status = bias.withUnsafeBufferPointer {
                        arguments.bias = c.bias ? $0.baseAddress : nil
                        return services.pointee.gemm(services, &arguments)
                    }
                    #expect(status == LAMINA_OK)
                }
            }
        }
        return (result, a, b, start, bias)
    }

    @Test func equalsTheNaiveLoop() {
        for c in Self.cases {
            let (got, a, b, start, bias) = product(c)
            var worst = 0.0
            for item in 0..<c.batch {
                for row in 0..<c.m {
                    for column in 0..<c.n {
                        var sum = c.bias ? Double(bias[column]) : 0
                        for inner in 0..<c.k {
                            let left = a[item * c.m * c.k + (c.transposeA ? inner * c.m + row : row * c.k + inner)]
                            let right = b[
                                item * c.k * c.n + (c.transposeB ? column * c.k + inner : inner * c.n + column)]
                            sum += Double(left) * Double(right)
                        }
                        let index = (item * c.m + row) * c.n + column
                        if c.beta != 0 { sum += Double(c.beta * start[index]) }
                        worst = max(worst, abs(Double(got[index]) - sum))
                    }
                }
            }
            // Sums of k products of up to 1, in float.
            #expect(worst < 1e-4 + 1e-7 * Double(c.k), "\(c): \(worst)")
        }
    }

    @Test func threadsDoNotChangeTheBits() {
        let before = Runtime.shared.threadCount
        defer { Runtime.shared.threadCount = before }
        for c in Self.cases {
            var bits: [[UInt32]] = []
            for threads in [1, 2, 5] {
                Runtime.shared.threadCount = threads
                bits.append(product(c).got.map(\.bitPattern))
            }
            #expect(bits[0] == bits[1] && bits[0] == bits[2], "\(c)")
        }
    }

    @Test func badArgumentsAreRefused() {
        var arguments = lamina_gemm()
        let services = Runtime.shared.services
        #expect(services.pointee.gemm(services, &arguments) == LAMINA_ERROR_INTERNAL)
        arguments.struct_size = UInt32(MemoryLayout<lamina_gemm>.size)
        (arguments.m, arguments.n, arguments.k, arguments.batch) = (4, 4, 4, 1)
        #expect(services.pointee.gemm(services, &arguments) == LAMINA_ERROR_SHAPE)
    }

    /// ABI 1.0's struct ends before `bias`, and what lies behind it is not looked at.
    @Test func productsOfTheFirstVersionHaveNoBias() {
        let bias: [Float] = [5, 5]
        var (a, b, c) = ([Float(2)], [Float(3), 4], [Float](repeating: .nan, count: 2))
        a.withUnsafeMutableBufferPointer { a in
            b.withUnsafeMutableBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    bias.withUnsafeBufferPointer { bias in
                        var arguments = lamina_gemm()
                        arguments.struct_size = UInt32(MemoryLayout<lamina_gemm>.offset(of: \.bias)!)
                        (arguments.m, arguments.n, arguments.k, arguments.batch) = (1, 2, 1, 1)
                        (arguments.alpha, arguments.a, arguments.lda) = (1, UnsafePointer(a.baseAddress), 1)
                        (arguments.b, arguments.ldb) = (UnsafePointer(b.baseAddress), 2)
                        (arguments.c, arguments.ldc, arguments.bias) = (c.baseAddress, 2, bias.baseAddress)
                        let services = Runtime.shared.services
                        #expect(services.pointee.gemm(services, &arguments) == LAMINA_OK)
                    }
                }
            }
        }
        #expect(c == [6, 8])
    }

    /// The sizes are valid one by one and their product overflows; k = 0 leaves nothing to read.
    @Test func hugeProductsAreRefusedOrCut() {
        var arguments = lamina_gemm()
        arguments.struct_size = UInt32(MemoryLayout<lamina_gemm>.size)
        (arguments.m, arguments.n, arguments.k, arguments.batch) = (0, Int64(Int32.max), Int64(Int32.max), 1)
        let services = Runtime.shared.services
        #expect(services.pointee.gemm(services, &arguments) == LAMINA_OK)
        #expect(services.pointee.gemm(services, nil) == LAMINA_ERROR_INTERNAL)
        (arguments.m, arguments.lda) = (Int64(Int32.max), Int64(Int32.max))
        (arguments.ldb, arguments.ldc) = (arguments.lda, arguments.lda)
        #expect(BLAS.work(arguments) == .max)
        (arguments.m, arguments.n, arguments.k) = (2, 3, 0)
        #expect(BLAS.work(arguments) == 6)
    }
}
