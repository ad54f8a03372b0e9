import CLaminaMath
import Foundation
import Testing

/// Every kernel of lamina_math/functions.h against the C library in double precision.
let functions: [Function] = [
    Function("exp", lamina_math_exp, bound: 2) { exp($0) },
    Function("log", lamina_math_log, bound: 2) { log($0) },
    Function("expm1", lamina_math_expm1, bound: 4) { expm1($0) },
    Function("tanh", lamina_math_tanh, bound: 4) { tanh($0) },
    Function("sigmoid", lamina_math_sigmoid, bound: 4) { 1 / (1 + exp(-$0)) },
]

@Suite struct FunctionTests {
    @Test(arguments: functions) func accuracyOverTheWholeRange(_ function: Function) {
        var accuracy = Accuracy()
        Inputs.forEachChunk(stride: 2003) { accuracy.add(function, $0) }
        accuracy.add(function, Inputs.exponents)
        accuracy.add(function, Inputs.special)
        print("\(function.name): \(accuracy.ulp) ulp at \(accuracy.input), where it gives \(accuracy.output)")
        #expect(accuracy.ulp <= function.bound, "at \(accuracy.input) it gives \(accuracy.output)")
        #expect(accuracy.wrong.isEmpty, "\(accuracy.wrong.prefix(5))")
    }

    /// An element's result may not depend on its position, the array's length, its alignment, or on working in place.
    @Test(arguments: functions) func positionDoesNotMatter(_ function: Function) {
        let x = (0..<100).map { Float($0 * 37 % 100) * 0.31 - 12 } + [.nan, .infinity, -.infinity, 0]
        let whole = function(x).map(\.bitPattern)
        for start in 0..<33 {
            for count in 0...(x.count - start) {
                var part = Array(x[start..<start + count]) + [7, 8]
                part.withUnsafeMutableBufferPointer { function.kernel($0.baseAddress, $0.baseAddress, Int64(count)) }
                #expect(Array(part[..<count].map(\.bitPattern)) == Array(whole[start..<start + count]))
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
        #expect(value(lamina_math_expm1, -0.0).bitPattern == (-0.0 as Float).bitPattern)
        #expect(value(lamina_math_expm1, -.infinity) == -1)
        #expect(value(lamina_math_tanh, -0.0).bitPattern == (-0.0 as Float).bitPattern)
        #expect(value(lamina_math_tanh, .infinity) == 1)
        #expect(value(lamina_math_tanh, -.infinity) == -1)
        #expect(value(lamina_math_sigmoid, 0) == 0.5)
        #expect(value(lamina_math_sigmoid, .infinity) == 1)
        #expect(value(lamina_math_sigmoid, -.infinity) == 0)
    }
}
