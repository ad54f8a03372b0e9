import LaminaFormats
import LaminaTesting
import Testing

@testable import Transformer

@Suite struct RMSNormTests {
    @Test func rules() {
        let faults = checkLayer(
            .layer(RMSNorm.self),
            cases: [
                LayerCase(.normal([4, 7])),
                LayerCase(.normal([3, 5, 33])),
                LayerCase(["epsilon": 0.1], .normal([2, 3, 2, 17])),
                LayerCase(["weight": false], .normal([5, 70])),
                LayerCase(["epsilon": 0.5], .normal([6, 1])),
                LayerCase(.normal([3])).with { $0.hasBatch = false },
                LayerCase(.normal([3, 0])),
                LayerCase(.normal([3, 0, 4])),
                LayerCase(rejects: "the input is a scalar", [:], .normal([])),
                LayerCase(rejects: "has type int64", [:], .integers([2, 3], 0..<4)),
                LayerCase(rejects: "epsilon", ["epsilon": -1], .normal([2, 3])),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    /// Widths around those of vectors and of the sums side by side, against the definition in double precision.
    @Test(arguments: [1, 3, 8, 15, 16, 31, 63, 64, 65, 130, 257])
    func isTheDefinition(_ features: Int) throws {
        let (x, weight) = (TensorValue.normal([3, features], seed: 1), TensorValue.normal([features], seed: 2))
        let got = try LayerHarness(.layer(RMSNorm.self), ["epsilon": 1e-3]).train([x], parameters: ["weight": weight])
        for row in 0..<3 {
            let values = x.floats[(row * features)..<((row + 1) * features)].map(Double.init)
            let square = values.reduce(0) { $0 + $1 * $1 } / Double(features)
            for (i, value) in values.enumerated() {
                let wanted = value / (square + 1e-3).squareRoot() * Double(weight.floats[i])
                #expect(abs(Double(got.outputs[0].floats[row * features + i]) - wanted) < 1e-5)
            }
        }
    }

    @Test func parameters() throws {
        let layer = try LayerHarness(.layer(RMSNorm.self))
        let inferred = try layer.infer([(.float32, [.init(2), .init(5)])])
        #expect(inferred.parameters.map(\.name) == ["weight"])
        #expect(inferred.parameters.map(\.shape) == [[5]])
        #expect(inferred.parameters.allSatisfy { $0.noDecay && $0.initializer == "core.constant" })
    }
}
