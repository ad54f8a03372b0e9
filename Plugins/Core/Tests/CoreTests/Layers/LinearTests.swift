import LaminaTesting
import Testing

@testable import Core

@Suite struct LinearTests {
    @Test func dense() {
        let cases: [LayerCase] = [
            LayerCase(["units": 3], .normal([4, 5])), LayerCase(["units": 3, "bias": false], .normal([4, 5])),
            LayerCase(["units": 1], .normal([3, 1])), LayerCase(["units": 33], .normal([2, 3, 17])),
            LayerCase(["units": 70], .normal([3, 2, 2, 2])).with { $0.largeBatch = 300 },
            LayerCase(["units": 2], .normal([7])).with { $0.hasBatch = false },
            LayerCase(["units": 2], .normal([3, 0])).with { $0.checksDerivatives = false },
            LayerCase(["units": 2, "bias": false], .normal([3, 0])).with { $0.checksDerivatives = false },
            LayerCase(rejects: "the input is a scalar, wanted [..., features]", ["units": 2], .normal([])),
            LayerCase(rejects: "units", ["units": 0], .normal([2, 3])),
            LayerCase(rejects: "wanted float32", ["units": 2], .integers([3, 2], 0..<3)),
        ]
        #expect(checkLayer(.layer(Dense.self), cases: cases) == [])
    }

    @Test func denseStartsAsInPyTorch() throws {
        let layer = try LayerHarness(.layer(Dense.self), ["units": 3])
        let inferred = try layer.infer([(.float32, [.init(8), .init(16)])])
        #expect(inferred.parameters.map(\.name) == ["weight", "bias"])
        #expect(inferred.parameters.map(\.noDecay) == [false, true])
        for parameter in inferred.parameters {
            #expect(parameter.initializer == "core.uniform")
            #expect(parameter.initializerAttributes == ["low": -0.25, "high": 0.25])
        }
    }

    @Test func denseNeedsAFixedNumberOfFeatures() throws {
        let layer = try LayerHarness(.layer(Dense.self), ["units": 3])
        let error = #expect(throws: CallError.self) {
            try layer.infer([(.float32, [.init(8), layer.host.symbol("T")])])
        }
        #expect(
            error?.text
                == "the input's last dimension, on which the weight's shape depends, is T, wanted a fixed number")
    }

    @Test func matmul() {
        let transposed: [LayerCase] = [(false, false), (false, true), (true, false), (true, true)].flatMap { a, b in
            let left = a ? [4, 3] : [3, 4]
            let right = b ? [5, 4] : [4, 5]
            return [
                LayerCase(
                    ["transpose_a": .bool(a), "transpose_b": .bool(b)], .normal([2] + left), .normal([2] + right)),
                LayerCase(["transpose_a": .bool(a), "transpose_b": .bool(b)], .normal([2, 3] + left), .normal(right)),
                LayerCase(["transpose_a": .bool(a), "transpose_b": .bool(b)], .normal(left), .normal([2] + right))
                    .with { $0.hasBatch = false },
                LayerCase(
                    ["transpose_a": .bool(a), "transpose_b": .bool(b)], .normal([2, 1] + left),
                    .normal([2, 3] + right)),
            ]
        }
        let cases: [LayerCase] = [
            LayerCase(.normal([2, 3, 4]), .normal([2, 4, 5])).with { $0.largeBatch = 40 },
            LayerCase(.normal([3, 1, 2, 4]), .normal([1, 5, 4, 3])),
            LayerCase(.normal([6]), .normal([6])).with { $0.hasBatch = false },
            LayerCase(.normal([2, 3, 4]), .normal([4])),
            LayerCase(.normal([4]), .normal([2, 4, 3])).with { $0.hasBatch = false },
            LayerCase(.normal([3, 0]), .normal([0, 2])).with { $0.checksDerivatives = false },
            LayerCase(
                rejects: "4 columns on the left need as many rows on the right, got 5", [:], .normal([3, 4]),
                .normal([5, 2])),
            LayerCase(
                rejects: "the axes before the matrices are [2] on the left and [3] on the right", [:],
                .normal([2, 3, 4]),
                .normal([3, 4, 2])),
            LayerCase(rejects: "wanted at least 1 axes", [:], .normal([]), .normal([3])),
            LayerCase(rejects: "wanted float32", [:], .normal([3, 2]), .integers([2, 3], 0..<3)),
        ]
        #expect(checkLayer(.layer(MatMul.self), cases: transposed + cases) == [])
    }

    @Test func embedding() {
        let cases: [LayerCase] = [
            LayerCase(["count": 7, "dimension": 5], .integers([3, 4], 0..<7)),
            LayerCase(["count": 7, "dimension": 40], .integers([9], 0..<7, .int32)).with { $0.largeBatch = 2000 },
            LayerCase(["count": 3, "dimension": 1], .integers([2, 2, 2], 0..<3)),
            // The padding row's gradient is withheld: finite differences would find one.
            LayerCase(["count": 7, "dimension": 5, "padding_index": 2], .integers([3, 4], 0..<7))
                .with { $0.checksDerivatives = false },
            LayerCase(rejects: "wanted int64 or int32", ["count": 7, "dimension": 5], .normal([3])),
            LayerCase(
                rejects: "padding_index is 7, wanted -7 to 6, as count is 7",
                ["count": 7, "dimension": 5, "padding_index": 7], .integers([3], 0..<7)),
        ]
        #expect(checkLayer(.layer(Embedding.self), cases: cases) == [])
    }

    @Test(arguments: [Int64(-1), 7, .max, .min])
    func embeddingRefusesIndices(index: Int64) throws {
        let layer = try LayerHarness(.layer(Embedding.self), ["count": 7, "dimension": 5])
        let error = #expect(throws: CallError.self) { try layer.predict([TensorValue([3], int64s: [0, index, 6])]) }
        #expect(error?.text == "the input holds index \(index) at position 1, but count is 7: wanted 0 to 6")
        #expect(error?.status == 7)
        #expect(error?.argument == 0)
    }

    @Test func embeddingStartsWithZerosInThePaddingRow() throws {
        let layer = try LayerHarness(.layer(Embedding.self), ["count": 7, "dimension": 5, "padding_index": -1])
        let weight = try #require(try layer.infer([(.int64, [.init(3)])]).parameter("weight"))
        #expect(weight.initializer == "core.normal")
        #expect(weight.initializerAttributes == ["mean": 0.0, "std": 1.0, "zero_row": 6])
    }
}
