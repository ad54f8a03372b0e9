import LaminaFormats
import LaminaTesting
import Testing

@testable import Transformer

@Suite struct GateTests {
    @Test func rules() {
        var cases = ["silu", "gelu", "gelu_tanh", "sigmoid"].map {
            LayerCase(["activation": .string($0)], .normal([3, 14]))
        }
        cases += [
            // Away from 0, where finite differences see both sides.
            LayerCase(["activation": "relu"], .uniform([3, 6], 0.2...1)),
            LayerCase(["activation": "relu"], .uniform([3, 6], -1 ... -0.2)),
            LayerCase(.normal([2, 3, 34])),
            LayerCase(.normal([3, 2, 2, 2])),
            LayerCase(.normal([3, 0])),
            LayerCase(.normal([4])).with { $0.hasBatch = false },
            LayerCase(rejects: "wanted an even number", [:], .normal([2, 7])),
            LayerCase(rejects: "the input is a scalar", [:], .normal([])),
            LayerCase(rejects: "has type int64", [:], .integers([2, 4], 0..<4)),
            LayerCase(rejects: "activation", ["activation": "tanh"], .normal([2, 4])),
        ]
        let faults = checkLayer(.layer(Gate.self), cases: cases)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func firstHalfIsActivated() throws {
        let x = TensorValue([2, 4], [-1, 2, 3, 5, 4, -8, 7, 9])
        let got = try LayerHarness(.layer(Gate.self), ["activation": "relu"]).train([x])
        #expect(got.outputs[0].floats == [0, 10, 28, 0])
        #expect(got.inputGradients[0]?.floats == [0, 5, 0, 2, 7, 0, 4, 0])
    }
}
