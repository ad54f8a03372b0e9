import CLaminaMath
import Foundation
import Testing

@Suite struct SoftmaxTests {
    static func row(_ count: Int, scale: Float = 3) -> [Float] {
        var x = [Float](repeating: 0, count: count)
        lamina_random_normal(5, UInt64(count), 0, &x, Int64(count))
        return x.map { $0 * scale }
    }

    static func reference(_ x: [Float]) -> (softmax: [Double], logarithm: [Double]) {
        let greatest = Double(x.max()!)
        let sum = x.reduce(0) { $0 + exp(Double($1) - greatest) }
        return (x.map { exp(Double($0) - greatest) / sum }, x.map { Double($0) - greatest - log(sum) })
    }

    @Test(arguments: [1, 2, 3, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 1037]) func forward(count: Int) {
        for scale in [0.1, 3, 40] as [Float] {
            let x = SoftmaxTests.row(count, scale: scale)
            let want = SoftmaxTests.reference(x)
            let greatest = Double(x.max()!)
            var y = x + [42]
            y.withUnsafeMutableBufferPointer { lamina_math_softmax_row($0.baseAddress, $0.baseAddress, Int64(count)) }
            var z = x + [42]
            z.withUnsafeMutableBufferPointer {
                lamina_math_log_softmax_row($0.baseAddress, $0.baseAddress, Int64(count))
            }
            for i in 0..<count {
                #expect(Accuracy.ulps(y[i], want.softmax[i]) <= 4 + greatest - Double(x[i]), "element \(i)")
                #expect(abs(Double(z[i]) - want.logarithm[i]) <= 0x1p-23 * (1 + abs(want.logarithm[i])), "element \(i)")
            }
            #expect(y[count] == 42 && z[count] == 42)
        }
    }

    @Test func masksAndBadRows() {
        func softmax(_ x: [Float]) -> [Float] {
            var y = x
            lamina_math_softmax_row(x, &y, Int64(x.count))
            return y
        }
        #expect(softmax([0, -.infinity, 0]) == [0.5, 0, 0.5])
        #expect(softmax([1000, 1000]) == [0.5, 0.5])
        #expect(softmax([-3e38]) == [1])
        #expect(softmax([3e38, -3e38]) == [1, 0])
        for bad in [[-.infinity, -.infinity], [1, .infinity], [1, .nan]] as [[Float]] {
            #expect(softmax(bad).allSatisfy { $0.isNaN })
            var y = bad
            lamina_math_log_softmax_row(bad, &y, 2)
            #expect(y.allSatisfy { $0.isNaN })
        }
        var untouched: [Float] = [3]
        lamina_math_softmax_row(untouched, &untouched, 0)
        #expect(untouched == [3])
    }

    @Test(arguments: [1, 5, 16, 33, 100]) func gradients(count: Int) {
        let y = SoftmaxTests.reference(SoftmaxTests.row(count)).softmax
        let dy = SoftmaxTests.row(count, scale: 1)
        let n = Int64(count)
        let mean = zip(y, dy).reduce(0) { $0 + $1.0 * Double($1.1) }
        let sum = dy.reduce(0) { $0 + Double($1) }
        let want = zip(y, dy).map { $0 * (Double($1) - mean) }
        let wantOfLogarithm = zip(y, dy).map { Double($1) - $0 * sum }
        var dx = dy
        var dz = [Float](repeating: 0.5, count: count)
        dx.withUnsafeMutableBufferPointer {
            lamina_math_softmax_grad_row(y.map(Float.init), $0.baseAddress, $0.baseAddress, n, false)
        }
        lamina_math_log_softmax_grad_row(y.map { Float(log($0)) }, dy, &dz, n, true)
        for i in 0..<count {
            #expect(abs(Double(dx[i]) - want[i]) <= 1e-6)
            #expect(abs(Double(dz[i]) - 0.5 - wantOfLogarithm[i]) <= 1e-6 * (1 + abs(sum)))
        }
    }
}
