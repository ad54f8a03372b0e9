import CLaminaMath
import Foundation
import Testing

/// Every kernel of lamina_math/functions.h against the C library in double precision.
let functions: [Function] = [
    Function("exp", lamina_math_exp, bound: 2) { exp($0) },
    Function("log", lamina_math_log, bound: 2) { log($0) },
    Function("log1p", lamina_math_log1p, bound: 4) { log1p($0) },
    Function("expm1", lamina_math_expm1, bound: 4) { expm1($0) },
    Function("sqrt", lamina_math_sqrt, bound: 0.5001) { $0.squareRoot() },
    Function("rsqrt", lamina_math_rsqrt, bound: 4) { 1 / $0.squareRoot() },
    Function("sin", lamina_math_sin, bound: 4) { sin($0) },
    Function("cos", lamina_math_cos, bound: 4) { cos($0) },
    Function("erf", lamina_math_erf, bound: 4) { erf($0) },
    Function("tanh", lamina_math_tanh, bound: 4) { tanh($0) },
    Function("sigmoid", lamina_math_sigmoid, bound: 4) { 1 / (1 + exp(-$0)) },
    Function("softplus", lamina_math_softplus, bound: 4) { max($0, 0) + log1p(exp(-abs($0))) },
    Function("silu", lamina_math_silu, bound: 4) { atLeast(-1000, $0) / (1 + exp(-$0)) },
    Function("gelu", lamina_math_gelu, bound: 4) { atLeast(-1000, $0) * erfc(-$0 * 0.5.squareRoot()) / 2 },
    Function("gelu_tanh", lamina_math_gelu_tanh, bound: 4) {
        atLeast(-1000, $0) / (1 + exp(-geluArgument(atLeast(-1000, $0))))
    },
]

/// The derivatives of lamina_math/gradients.h: the kernels with upstream gradients of 1.
let derivatives: [Function] = [
    Function("silu'", derivative(lamina_math_silu_grad), bound: 6, absolute: 2e-7) {
        let x = atMost(1000, atLeast(-1000, $0))
        let s = 1 / (1 + exp(-x))
        return s * (1 + x / (1 + exp(x)))
    },
    Function("gelu'", derivative(lamina_math_gelu_grad), bound: 6, absolute: 2e-7) {
        let x = atMost(30, atLeast(-30, $0))
        return erfc(-x * 0.5.squareRoot()) / 2 + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    },
    Function("gelu_tanh'", derivative(lamina_math_gelu_tanh_grad), bound: 6, absolute: 2e-7) {
        let x = atMost(20, atLeast(-20, $0))
        let w = geluArgument(x)
        let slope = 2 * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
        return (1 + x * slope / (1 + exp(w))) / (1 + exp(-w))
    },
    Function("softplus'", derivative(lamina_math_softplus_grad), bound: 4) { 1 / (1 + exp(-$0)) },
]

/// Bounds that keep NaN and the sign of what they cut, so that the references have the limits at infinity.
private func atLeast(_ bound: Double, _ x: Double) -> Double { x < bound ? bound : x }
private func atMost(_ bound: Double, _ x: Double) -> Double { x > bound ? bound : x }

private func geluArgument(_ x: Double) -> Double { 2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x) }

private func derivative(_ kernel: @escaping GradientTests.Gradient) -> Kernel {
    { x, y, n in
        let ones = [Float](repeating: 1, count: max(0, Int(n)))
        kernel(x, ones, y, n, false)
    }
}

@Suite struct FunctionTests {
    @Test(arguments: functions + derivatives) func accuracyOverTheWholeRange(_ function: Function) {
        var accuracy = Accuracy()
        Inputs.forEachChunk(stride: 2003) { accuracy.add(function, $0) }
        accuracy.add(function, Inputs.exponents)
        accuracy.add(function, Inputs.special)
        print("\(function.name): \(accuracy.ulp) ulp at \(accuracy.input), where it gives \(accuracy.output)")
        #expect(accuracy.ulp <= function.bound, "at \(accuracy.input) it gives \(accuracy.output)")
        #expect(accuracy.wrong.isEmpty, "\(accuracy.wrong.prefix(5))")
    }

    /// An element's result may not depend on its position, the array's length, its alignment, or on working in place.
    @Test(arguments: functions + derivatives) func positionDoesNotMatter(_ function: Function) {
        let x = (0..<100).map { Float($0 * 37 % 100) * 0.31 - 12 } + [.nan, .infinity, -.infinity, 0]
        let whole = function(x).map(\.comparableBits)
        for start in 0..<33 {
            for count in 0...(x.count - start) {
                var part = Array(x[start..<start + count]) + [7, 8]
                part.withUnsafeMutableBufferPointer { function.kernel($0.baseAddress, $0.baseAddress, Int64(count)) }
                #expect(Array(part[..<count].map(\.comparableBits)) == Array(whole[start..<start + count]))
                #expect(part[count...] == [7, 8], "writes beyond the end: start \(start), count \(count)")
            }
        }
        var untouched: [Float] = [5]
        function.kernel(x, &untouched, 0)
        function.kernel(x, &untouched, -3)
        #expect(untouched == [5])
    }

    @Test func valuesAtTheEdges() {
        func value(_ kernel: @escaping Kernel, _ x: Float) -> Float { Function("", kernel, bound: 0) { $0 }(x) }
        #expect(value(lamina_math_exp, 0) == 1)
        #expect(value(lamina_math_exp, .infinity) == .infinity)
        #expect(value(lamina_math_exp, 88.73) == .infinity)
        #expect(value(lamina_math_exp, -.infinity) == 0)
        #expect(value(lamina_math_exp, -103.9) == .leastNonzeroMagnitude)
        #expect(value(lamina_math_exp, .nan).isNaN)
        #expect(value(lamina_math_log, 1).bitPattern == 0)
        #expect(value(lamina_math_log, 0) == -.infinity)
        #expect(value(lamina_math_log, -0.0) == -.infinity)
        #expect(value(lamina_math_log, -1).isNaN)
        #expect(value(lamina_math_log, .infinity) == .infinity)
        #expect(value(lamina_math_log1p, -1) == -.infinity)
        #expect(value(lamina_math_log1p, -1.5).isNaN)
        #expect(value(lamina_math_log1p, .infinity) == .infinity)
        #expect(value(lamina_math_expm1, -.infinity) == -1)
        #expect(value(lamina_math_sqrt, -1).isNaN)
        #expect(value(lamina_math_rsqrt, 0) == .infinity)
        #expect(value(lamina_math_rsqrt, -0.0) == -.infinity)
        #expect(value(lamina_math_rsqrt, .infinity) == 0)
        #expect(value(lamina_math_sin, .infinity).isNaN)
        #expect(value(lamina_math_cos, -.infinity).isNaN)
        #expect(value(lamina_math_cos, 0) == 1)
        for odd in [
            lamina_math_log1p, lamina_math_expm1, lamina_math_sqrt, lamina_math_sin, lamina_math_erf,
            lamina_math_tanh, lamina_math_silu, lamina_math_gelu, lamina_math_gelu_tanh,
        ] as [Kernel] {
            #expect(value(odd, -0.0).bitPattern == 1 << 31)
            #expect(value(odd, 0).bitPattern == 0)
        }
        for step in [lamina_math_erf, lamina_math_tanh] as [Kernel] {
            #expect(value(step, .infinity) == 1)
            #expect(value(step, -.infinity) == -1)
            #expect(value(step, 30) == 1)
        }
        #expect(value(lamina_math_sigmoid, 0) == 0.5)
        #expect(value(lamina_math_sigmoid, .infinity) == 1)
        #expect(value(lamina_math_sigmoid, -.infinity) == 0)
        for gate in [lamina_math_softplus, lamina_math_silu, lamina_math_gelu, lamina_math_gelu_tanh] as [Kernel] {
            #expect(value(gate, .infinity) == .infinity)
            #expect(value(gate, -.infinity) == 0)
            #expect(value(gate, 100) == 100)
        }
    }
}
