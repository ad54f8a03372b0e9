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

    /// Classes on the last axis or between others.
    @Test func classAxis() {
        let cases: [LayerCase] = [
            LayerCase(["class_axis": -1], .normal([3, 4, 5]), .integers([3, 4], 0..<5)),
            LayerCase(["class_axis": 1], .normal([3, 4, 5]), .integers([3, 5], 0..<4)),
            LayerCase(["class_axis": -1], .normal([6, 5]), .integers([6], 0..<5)),
            LayerCase(["class_axis": -1, "ignore_index": 0], .normal([6, 7, 3]), .integers([6, 7], 0..<3)),
            LayerCase(["class_axis": 2], .normal([2, 3, 4, 5]), .integers([2, 3, 5], 0..<4)),
            LayerCase(["class_axis": -1], .normal([2, 3, 4, 5]), .integers([2, 3, 4], 0..<5)),
            LayerCase(
                rejects: "wanted [6, 4] of class indices", ["class_axis": -1], .normal([6, 4, 5]),
                .integers([6, 5], 0..<2)
            ).with { $0.hasBatch = false },
            LayerCase(
                rejects: "class_axis is 2, which no axis behind the batch is", ["class_axis": 2], .normal([6, 4]),
                .integers([6], 0..<2)),
            LayerCase(
                rejects: "class_axis is 0, which no axis behind the batch is", ["class_axis": 0], .normal([6, 4]),
                .integers([4], 0..<2)),
            LayerCase(
                rejects: "class_axis is -2, which no axis", ["class_axis": -2], .normal([6, 4]), .integers([4], 0..<2)),
            LayerCase(
                rejects: "class_weights has 4 values, the input has 5",
                ["class_axis": -1, "class_weights": [1, 2, 3, 4]],
                .normal([6, 4, 5]), .integers([6, 4], 0..<2)),
        ]
        #expect(checkLayer(.loss(CrossEntropyLoss.self), cases: cases) == [])
        #expect(checkLayer(.loss(NLLLoss.self), cases: cases) == [])
        let probabilities = LayerCase(["class_axis": -1], .normal([3, 4, 5]), .uniform([3, 4, 5], 0...1))
        #expect(
            checkLayer(.loss(CrossEntropyLoss.self), cases: [probabilities.with { $0.differentiable = [0, 1] }]) == [])
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

    @Test(arguments: ["cross_entropy", "nll"])
    func labelsOfSequencesAreNamed(_ name: String) throws {
        let loss = try LayerHarness(try #require(CoreCatalogue.losses.first { $0.name == name }), ["class_axis": -1])
        #expect {
            try loss.train([.normal([2, 3, 4], seed: 1), TensorValue([2, 3], int64s: [0, 1, 2, 3, 4, 0])])
        } throws: {
            "\($0)".contains("label 4 in sample 1 of the batch, the input has 4 classes")
        }
    }

    /// A padded batch and the same rows without padding give the same mean and gradients.
    @Test func paddingCountsForNothing() throws {
        let (x, y) = (TensorValue.normal([2, 3, 4], seed: 5), [Int64](arrayLiteral: 1, 3, 0, 2, 0, 0))
        let padded = try LayerHarness(.loss(CrossEntropyLoss.self), ["class_axis": -1, "ignore_index": 0])
            .train([x, TensorValue([2, 3], int64s: y)])
        let rows = [0, 1, 3]
        let kept = rows.flatMap { x.floats[4 * $0..<4 * $0 + 4] }
        let plain = try LayerHarness(.loss(CrossEntropyLoss.self))
            .train([TensorValue([3, 4], kept), TensorValue([3], int64s: rows.map { y[$0] })])
        #expect(padded.outputs[0].floats == plain.outputs[0].floats)
        let gradient = try #require(padded.inputGradients[0]).floats
        #expect(rows.flatMap { Array(gradient[4 * $0..<4 * $0 + 4]) } == plain.inputGradients[0]?.floats)
        #expect([2, 4, 5].allSatisfy { row in gradient[4 * row..<4 * row + 4].allSatisfy { $0 == 0 } })
    }

    /// Nothing is left to average when every row is ignored; as in PyTorch the mean is then no number.
    @Test func everyRowIgnored() throws {
        let loss = try LayerHarness(.loss(CrossEntropyLoss.self), ["reduction": "sum"])
        let result = try loss.train([.normal([2, 3], seed: 1), TensorValue([2], int64s: [-100, -100])])
        #expect(result.outputs[0].floats == [0])
        #expect(result.inputGradients[0]?.floats == [Float](repeating: 0, count: 6))
        let mean = try LayerHarness(.loss(CrossEntropyLoss.self))
            .train([.normal([2, 3], seed: 1), TensorValue([2], int64s: [-100, -100])])
        #expect(mean.outputs[0].floats[0].isNaN)
        #expect(mean.inputGradients[0]?.floats == [Float](repeating: 0, count: 6))
    }

    /// A masked class (logit −∞) has probability 0 and no gradient.
    @Test func maskedClasses() throws {
        let loss = try LayerHarness(.loss(CrossEntropyLoss.self))
        let result = try loss.train([TensorValue([1, 3], [0, -.infinity, 0]), TensorValue([1], int64s: [0])])
        #expect((result.outputs[0].floats[0] - 0.6931472).magnitude < 1e-6)
        #expect(result.inputGradients[0]?.floats == [-0.5, 0, 0.5])
    }
}
