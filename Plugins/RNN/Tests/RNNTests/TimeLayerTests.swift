import LaminaSDK
import LaminaTesting
import Testing

@testable import RNN

@Suite struct TimeLayerTests {
    @Test func repeatOverTime() {
        func one(_ layerCase: LayerCase) -> LayerCase { layerCase.with { $0.differentiable = [0] } }
        let faults = checkLayer(
            .layer(RepeatOverTime.self),
            cases: [
                one(LayerCase(.normal([3, 4]), .normal([3, 5, 2]))),
                one(LayerCase(.normal([2, 33]), .normal([2, 70]))),
                one(LayerCase(.normal([2, 4]), .integers([2, 7], 0..<3))),
                LayerCase(.normal([2, 3]), .normal([2, 4, 3])),
                one(LayerCase(.normal([2, 4]), .normal([2, 0, 2]))), one(LayerCase(.normal([2, 0]), .normal([2, 3]))),
                LayerCase(rejects: "wanted [N, features]", [:], .normal([2, 3, 4]), .normal([2, 3, 4])),
                LayerCase(rejects: "with the batch of", [:], .normal([2, 3]), .normal([3, 3, 4]))
                    .with { $0.hasBatch = false },
                LayerCase(rejects: "time, …]", [:], .normal([2, 3]), .normal([2])),
                LayerCase(rejects: "has type int64, wanted float32", [:], .integers([2, 3], 0..<3), .normal([2, 3])),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func repeatedByHand() throws {
        let layer = try LayerHarness(.layer(RepeatOverTime.self))
        let result = try layer.train(
            [TensorValue([2, 2], [1, 2, 3, 4]), TensorValue([2, 3], int64s: [0, 0, 0, 0, 0, 0])],
            outputGradients: [TensorValue([2, 3, 2], [1, 2, 3, 4, 5, 6, 1, 1, 1, 1, 1, 1])])
        #expect(result.outputs[0].floats == [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4])
        #expect(result.inputGradients[0]?.floats == [9, 12, 3, 3])
    }

    @Test func lastStep() {
        let faults = checkLayer(
            .layer(LastStep.self),
            cases: [
                LayerCase(.normal([3, 4, 5])), LayerCase(.normal([3, 4, 5]), .integers([3], 0..<5)),
                LayerCase(.normal([2, 1, 33]), .integers([2], 0..<2)), LayerCase(.normal([2, 0, 3])),
                LayerCase(.normal([2, 3, 0]), .integers([2], 0..<2)),
                LayerCase(rejects: "wanted [N, time, features]", [:], .normal([2, 3])),
                LayerCase(rejects: "one per sample", [:], .normal([2, 3, 4]), .integers([3], 0..<2))
                    .with { $0.hasBatch = false },
                LayerCase(rejects: "has type float32, wanted int64", [:], .normal([2, 3, 4]), .normal([2])),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func lastByHand() throws {
        let layer = try LayerHarness(.layer(LastStep.self))
        let x = TensorValue([3, 2, 2], (1...12).map(Float.init))
        #expect(try layer.predict([x]).outputs[0].floats == [3, 4, 7, 8, 11, 12])
        let result = try layer.train(
            [x, TensorValue([3], int64s: [1, 0, 2])], outputGradients: [TensorValue([3, 2], [1, 2, 3, 4, 5, 6])])
        #expect(result.outputs[0].floats == [1, 2, 0, 0, 11, 12])
        #expect(result.inputGradients[0]?.floats == [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5, 6])
        for length: Int64 in [-1, 3, .min] {
            #expect {
                try layer.predict([x, TensorValue([3], int64s: [1, length, 0])])
            } throws: { "\($0)".contains("the length of sample 1 is \(length), the input has 2 steps") }
        }
    }
}
