import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

@Suite struct ReductionTests {
    static let names = ["reduce_sum", "reduce_mean", "reduce_max", "reduce_min"]

    @Test(arguments: names)
    func followsTheRules(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        // A step along a random direction changes which element is the greatest; PyTorch's values check these.
        let isSmooth = name == "reduce_sum" || name == "reduce_mean"
        let axes: [([Int], [Int])] = [
            ([1], [4, 7]), ([-1], [3, 4, 5]), ([1], [3, 4, 5]), ([2, 3], [2, 3, 4, 5]), ([1, 3], [2, 3, 4, 5]),
            ([1], [2, 3, 4, 5]), ([1], [2, 70, 40]),
        ]
        let cases: [LayerCase] =
            axes.flatMap { axes, shape in
                [false, true].map { keeps in
                    LayerCase(
                        ["axes": .array(axes.map { .integer(Int64($0)) }), "keep_dimensions": .bool(keeps)],
                        .normal(shape)
                    ).with { $0.checksDerivatives = isSmooth }
                }
            } + [
                // Over the batch: one size at a time, as the maximum of nothing is refused.
                LayerCase(.normal([37])).with { $0.hasBatch = false },
                LayerCase(["axes": [0]], .normal([700, 60])).with { $0.hasBatch = false },
                LayerCase(["axes": [0]], .normal([90, 500])).with { $0.hasBatch = false },
                LayerCase(["axes": [0, 2, 3]], .normal([2, 3, 100, 90])).with { $0.hasBatch = false },
                LayerCase(["axes": [0, 2]], .normal([2, 3, 4, 5])).with { $0.hasBatch = false },
                LayerCase(.normal([70_000])).with { $0.hasBatch = false },
                LayerCase(.normal([])),
                LayerCase(["axes": .array([])], .normal([3, 4])),
                LayerCase(
                    rejects: "axes is 2, but the input has shape [3, 4]: wanted -2 to 1", ["axes": [2]],
                    .normal([3, 4])),
                LayerCase(rejects: "wanted float32", [:], .integers([3], 0..<3)),
            ]
        #expect(checkLayer(component, cases: cases) == [])
    }

    @Test func reductionsOfNothing() throws {
        let empty = TensorValue([2, 0], [Float]())
        #expect(try LayerHarness(.layer(ReduceSum.self), ["axes": [1]]).predict([empty]).outputs[0].floats == [0, 0])
        let means = try LayerHarness(.layer(ReduceMean.self), ["axes": [1]]).predict([empty]).outputs[0].floats
        #expect(means.count == 2 && means.allSatisfy(\.isNaN))
        for (component, name) in [(.layer(ReduceMax.self), "maximum"), (.layer(ReduceMin.self), "minimum")]
            as [(Component, String)]
        {
            let error = #expect(throws: CallError.self) { try LayerHarness(component, ["axes": [1]]).predict([empty]) }
            #expect(error?.text.hasPrefix("the input has shape [2, 0]: there is no \(name) of no elements") == true)
        }
    }

    @Test func extremaPassOnNaN() throws {
        let x = TensorValue([2, 40], (0..<80).map { $0 == 53 ? .nan : Float($0) })
        for name in ["reduce_max", "reduce_min"] {
            let component = try #require(CoreCatalogue.layers.first { $0.name == name })
            let y = try LayerHarness(component, ["axes": [1]]).predict([x]).outputs[0].floats
            #expect(y[0] == (name == "reduce_max" ? 39 : 0))
            #expect(y[1].isNaN)
        }
    }

    /// A million equal values: a sum that adds one by one would be off by far more.
    @Test func longSumsStayAccurate() throws {
        let count = 1_000_000
        let x = TensorValue.filled(.float32, [count], 0.1)
        let exact = Double(Float(0.1)) * Double(count)
        let row = try LayerHarness(.layer(ReduceSum.self)).predict([x]).outputs[0].floats[0]
        #expect(abs(Double(row) - exact) < 1e-5 * exact)
        let columns = TensorValue.filled(.float32, [count / 2, 2], 0.1)
        let sums = try LayerHarness(.layer(ReduceSum.self), ["axes": [0]]).predict([columns]).outputs[0].floats
        for sum in sums { #expect(abs(Double(sum) - exact / 2) < 1e-5 * exact) }
    }
}
