import LaminaTesting
import Minimal
import Testing

@Suite struct LayerScaleTests {
    @Test func values() throws {
        let layer = try LayerHarness(.layer(LayerScale.self))
        let result = try layer.train(
            [TensorValue([2, 2], [1, 2, 3, 4])], parameters: ["gamma": TensorValue([2], [10, 100])],
            outputGradients: [TensorValue([2, 2], [1, 1, 2, 2])])
        #expect(result.outputs[0].floats == [10, 200, 30, 400])
        #expect(result.inputGradients[0]?.floats == [10, 100, 20, 200])
        #expect(result.parameterGradients[0]?.floats == [7, 10])
    }

    @Test func agreesWithPyTorch() throws {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let faults = try checkLayer(.layer(LayerScale.self), golden: "/\(folder)/Golden/layer_scale.safetensors")
        #expect(faults == [])
    }

    @Test func rules() {
        let faults = checkLayer(
            .layer(LayerScale.self),
            cases: [
                LayerCase(.normal([4, 3])), LayerCase(.normal([2, 5, 40])),
                LayerCase(["initial": 0.5], .normal([7])).with { $0.hasBatch = false },
                LayerCase(rejects: "is a single number", [:], .normal([])),
                LayerCase(rejects: "input 0 has type int64", [:], .integers([2, 3], 0..<9)),
            ])
        #expect(faults == [])
    }
}
