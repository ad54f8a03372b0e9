import CLaminaMath
import Testing

@Suite struct GradientTests {
    typealias Gradient =
        @Sendable (
            UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int64, Bool
        ) -> Void

    /// Inputs of every length up to a few vectors, with values that need no special care.
    static func inputs(_ count: Int) -> (x: [Float], dy: [Float]) {
        ((0..<count).map { Float($0 * 37 % 101) / 25 - 2 }, (0..<count).map { Float($0 * 53 % 89) / 30 - 1.4 })
    }

    @Test func reluTanhAndSigmoidFromTheirResults() {
        let (x, dy) = GradientTests.inputs(77)
        func gradient(_ kernel: Gradient, _ y: [Float]) -> [Float] {
            var dx = [Float](repeating: 9, count: y.count)
            kernel(y, dy, &dx, Int64(y.count), false)
            return dx
        }
        #expect(gradient(lamina_math_relu_grad, x) == zip(x, dy).map { $0 > 0 ? $1 : 0 })
        #expect(gradient(lamina_math_tanh_grad, x) == zip(x, dy).map { $1 * ((1 - $0) * (1 + $0)) })
        #expect(gradient(lamina_math_sigmoid_grad, x) == zip(x, dy).map { $1 * ($0 * (1 - $0)) })
    }

    @Test(arguments: 0..<70) func accumulationAddsToWhatIsThere(count: Int) {
        let (x, dy) = GradientTests.inputs(count)
        let kernels: [Gradient] = [
            lamina_math_relu_grad, lamina_math_tanh_grad, lamina_math_sigmoid_grad, lamina_math_softplus_grad,
            lamina_math_silu_grad, lamina_math_gelu_grad, lamina_math_gelu_tanh_grad,
        ]
        for kernel in kernels {
            var fresh = [Float](repeating: -7, count: count + 1)
            var sum = (0...count).map { Float($0) / 8 }
            let before = sum
            kernel(x, dy, &fresh, Int64(count), false)
            kernel(x, dy, &sum, Int64(count), true)
            let want = zip(before, fresh.dropLast() + [0]).map { $0 + $1 }
            #expect(sum == want)
            #expect(fresh[count] == -7)
            var inPlace = dy
            inPlace.withUnsafeMutableBufferPointer { kernel(x, $0.baseAddress, $0.baseAddress, Int64(count), false) }
            #expect(inPlace == Array(fresh.dropLast()))
        }
    }
}
