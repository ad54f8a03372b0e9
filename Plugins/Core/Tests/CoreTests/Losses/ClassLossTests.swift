import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

@Suite struct ClassLossTests {
    @Test func crossEntropyOfIndices() {
        let cases: [LayerCase] = [
            LayerCase(.normal([6, 5]), .integers([6], 0..<5)),
            LayerCase(["reduction": "sum"], .normal([6, 5]), .integers([6], 0..<5)),
            LayerCase(["class_weights": [1, 0.5, 2]], .normal([6, 3]), .integers([6], 0..<3)),
            LayerCase(["label_smoothing": 0.2], .normal([6, 5]), .integers([6], 0..<5)),
            LayerCase(["ignore_index": 2, "reduction": "sum"], .normal([60, 4]), .integers([60], 0..<4)),
            LayerCase(.normal([3, 600]), .integers([3], 0..<600)),
            LayerCase(.normal([4, 3, 5]), .integers([4, 5], 0..<3)),
            LayerCase(["label_smoothing": 0.1], .normal([2, 3, 4, 5]), .integers([2, 4, 5], 0..<3)),
            LayerCase(.normal([2, 3, 2, 3, 2]), .integers([2, 2, 3, 2], 0..<3)),
            LayerCase(rejects: "wanted [N, classes, …]", [:], .normal([5]), .integers([5], 0..<2)),
            LayerCase(rejects: "of class indices", [:], .normal([6, 5]), .integers([6, 1], 0..<2)),
            LayerCase(rejects: "of class probabilities", [:], .normal([6, 5]), .normal([6])),
            LayerCase(rejects: "wanted int64 or float32", [:], .normal([6, 5]), .integers([6], 0..<2, .int32)),
            LayerCase(
                rejects: "class_weights has 2 values", ["class_weights": [1, 2]], .normal([6, 5]), .integers([6], 0..<2)
            ),
        ]
        #expect(checkLayer(.loss(CrossEntropyLoss.self), cases: cases) == [])
    }

    @Test func crossEntropyOfProbabilities() {
        func both(_ layerCase: LayerCase) -> LayerCase { layerCase.with { $0.differentiable = [0, 1] } }
        let cases: [LayerCase] = [
            both(LayerCase(.normal([6, 5]), .uniform([6, 5], 0...1))),
            both(
                LayerCase(
                    ["class_weights": [1, 0.5, 2], "label_smoothing": 0.2], .normal([6, 3]), .uniform([6, 3], 0...1))),
            both(LayerCase(.normal([2, 3, 4, 5]), .uniform([2, 3, 4, 5], 0...1))),
            LayerCase(.normal([3, 600]), .uniform([3, 600], 0...1)),
            LayerCase(
                rejects: "ignore_index is 1, but the target holds probabilities", ["ignore_index": 1], .normal([6, 5]),
                .normal([6, 5])),
        ]
        #expect(checkLayer(.loss(CrossEntropyLoss.self), cases: cases) == [])
    }

    @Test func nll() {
        let cases: [LayerCase] = [
            LayerCase(.normal([6, 5]), .integers([6], 0..<5)),
            LayerCase(["reduction": "sum", "class_weights": [1, 0.5, 2]], .normal([6, 3]), .integers([6], 0..<3)),
            LayerCase(["ignore_index": 2, "reduction": "sum"], .normal([60, 4]), .integers([60], 0..<4)),
            LayerCase(.normal([2, 3, 4, 5]), .integers([2, 4, 5], 0..<3)),
            LayerCase(rejects: "wanted int64", [:], .normal([6, 5]), .normal([6, 5])),
        ]
        #expect(checkLayer(.loss(NLLLoss.self), cases: cases) == [])
    }

    @Test func cosine() {
        func both(_ layerCase: LayerCase) -> LayerCase { layerCase.with { $0.differentiable = [0, 1] } }
        let cases: [LayerCase] = [
            both(LayerCase(.normal([6, 5]), .normal([6, 5]))),
            both(LayerCase(["reduction": "sum", "epsilon": 3], .normal([6, 5]), .normal([6, 5]))),
            both(LayerCase(.normal([2, 3, 4, 5]), .normal([2, 3, 4, 5]))),
            LayerCase(rejects: "wanted [N, D, …]", [:], .normal([5]), .normal([5])),
            LayerCase(rejects: "give both the same", [:], .normal([5, 2]), .normal([5, 3])),
        ]
        #expect(checkLayer(.loss(CosineLoss.self), cases: cases) == [])
    }

    @Test(arguments: ["cross_entropy", "nll"])
    func labelsOutOfRangeAreNamed(_ name: String) throws {
        let loss = try LayerHarness(try #require(CoreCatalogue.losses.first { $0.name == name }))
        let input = TensorValue.normal([3, 10], seed: 1)
        for label: Int64 in [-1, 10, .max] {
            #expect {
                try loss.train([input, TensorValue([3], int64s: [0, label, 9])])
            } throws: { error in
                guard let error = error as? CallError else { return false }
                return error.argument == 1 && error.status == 7
                    && error.text.contains("label \(label) in sample 1 of the batch, the input has 10 classes")
            }
        }
    }

    /// Nothing is left to average when every row is ignored; as in PyTorch the mean is then no number.
    @Test func everyRowIgnored() throws {
        let loss = try LayerHarness(.loss(CrossEntropyLoss.self), ["reduction": "sum"])
        let result = try loss.train([.normal([2, 3], seed: 1), TensorValue([2], int64s: [-100, -100])])
        #expect(result.outputs[0].floats == [0])
        #expect(result.inputGradients[0]?.floats == [Float](repeating: 0, count: 6))
        let mean = try LayerHarness(.loss(CrossEntropyLoss.self))
        #expect(
            try mean.predict([.normal([2, 3], seed: 1), TensorValue([2], int64s: [-100, -100])]).outputs[0].floats[0]
                .isNaN)
    }

    /// A masked class (logit −∞) has probability 0 and no gradient.
    @Test func maskedClasses() throws {
        let loss = try LayerHarness(.loss(CrossEntropyLoss.self))
        let result = try loss.train([TensorValue([1, 3], [0, -.infinity, 0]), TensorValue([1], int64s: [0])])
        #expect((result.outputs[0].floats[0] - 0.6931472).magnitude < 1e-6)
        #expect(result.inputGradients[0]?.floats == [-0.5, 0, 0.5])
    }
}
