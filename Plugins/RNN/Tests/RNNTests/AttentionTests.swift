import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import RNN

@Suite struct AttentionTests {
    /// Every score and scope against PyTorch; Golden/generate_attention.py wrote the file.
    @Test func agreesWithPyTorch() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Golden/layer_attention.safetensors")
        #expect(try checkLayer(.layer(Attention.self), golden: path.path) == [])
    }

    @Test func rules() {
        var cases: [LayerCase] = []
        for score in ["dot", "general", "concat"] {
            let size = score == "dot" ? 3 : 4
            let base: JSONObject = ["score": .string(score)]
            cases += [
                LayerCase(base, .normal([3, 2, 3]), .normal([3, 5, size])),
                LayerCase(base, .normal([3, 1, 3]), .normal([3, 4, size]), .integers([3], 0..<5)),
                LayerCase(
                    ["score": .string(score), "bias": true, "units": 5], .normal([2, 3, 3]), .normal([2, 4, size]),
                    .integers([2], 1..<5)),
                LayerCase(
                    ["score": .string(score), "attentional": false], .normal([2, 17, 3]), .normal([2, 19, size])),
                // A window so wide that nothing enters or leaves it while differences are taken.
                LayerCase(
                    ["score": .string(score), "scope": "local", "window": 30], .normal([3, 2, 3]),
                    .normal([3, 6, size]), .integers([3], 0..<7)),
            ]
        }
        cases += [
            LayerCase(["score": "dot"], .normal([2, 3, 4]), .normal([2, 0, 4])),
            LayerCase(["score": "dot", "attentional": false], .normal([2, 3, 4]), .normal([2, 0, 4])),
            LayerCase(["score": "concat"], .normal([2, 0, 4]), .normal([2, 3, 4])),
            // Steps enter and leave this window: its gradient is that of the paper, which looks away then.
            LayerCase(["scope": "local", "window": 2, "bias": true], .normal([3, 4, 3]), .normal([3, 9, 5]))
                .with { $0.checksDerivatives = false },
            LayerCase(rejects: "wanted [N, time, features]", [:], .normal([2, 3]), .normal([2, 3, 4])),
            LayerCase(rejects: "wanted [N, time, features]", [:], .normal([2, 3, 4]), .normal([2, 3, 4, 5])),
            LayerCase(rejects: "score dot needs as many", ["score": "dot"], .normal([2, 3, 4]), .normal([2, 3, 5])),
            LayerCase(rejects: "wanted the same batch", [:], .normal([2, 3, 4]), .normal([3, 3, 4]))
                .with { $0.hasBatch = false },
            LayerCase(rejects: "one per sample", [:], .normal([2, 3, 4]), .normal([2, 3, 4]), .integers([3], 0..<2))
                .with { $0.hasBatch = false },
            LayerCase(
                rejects: "has type float32, wanted int64", [:], .normal([2, 3, 4]), .normal([2, 3, 4]), .normal([2])),
            LayerCase(rejects: "wanted at least 1 each", [:], .normal([2, 3, 0]), .normal([2, 3, 4])),
        ]
        let faults = checkLayer(.layer(Attention.self), cases: cases)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    private func nested(_ value: TensorValue) -> [[[Double]]] {
        let (n, t, h) = (value.shape[0], value.shape[1], value.shape[2])
        return (0..<n).map { i in
            (0..<t).map { j in (0..<h).map { Double(value.floats[(i * t + j) * h + $0]) } }
        }
    }

    private let lengths = [23, 1, 0, 14]

    @Test func globalIsTheNaiveLoop() throws {
        let (query, memory) = (TensorValue.normal([4, 7, 13], seed: 3), TensorValue.normal([4, 23, 13], seed: 4))
        let layer = try LayerHarness(.layer(Attention.self), ["score": "dot", "attentional": false])
        let result = try layer.predict([query, memory, TensorValue([4], int64s: lengths.map(Int64.init))])
        compare(result, NaiveAttention(query: nested(query), memory: nested(memory), lengths: lengths), 1e-5)
        let sums = (0..<28).map { row in result.outputs[1].floats[row * 23..<row * 23 + 23].reduce(0, +) }
        for (row, sum) in sums.enumerated() { #expect(abs(sum - (lengths[row / 7] == 0 ? 0 : 1)) < 1e-5) }
    }

    @Test func localIsTheNaiveLoop() throws {
        let (query, memory) = (TensorValue.normal([4, 7, 13], seed: 5), TensorValue.normal([4, 23, 13], seed: 6))
        let (weight, vector) = (TensorValue.normal([13, 13], seed: 7), TensorValue.normal([13], seed: 8))
        let layer = try LayerHarness(
            .layer(Attention.self), ["score": "dot", "attentional": false, "scope": "local", "window": 3])
        let result = try layer.predict(
            [query, memory, TensorValue([4], int64s: lengths.map(Int64.init))],
            parameters: ["position_weight": weight, "position_vector": vector])
        let positions = nested(query).enumerated().map { n, rows in
            rows.map { row in
                let z = (0..<13).reduce(0.0) { sum, u in
                    let inner = (0..<13).reduce(0.0) { $0 + Double(weight.floats[u * 13 + $1]) * row[$1] }
                    return sum + Double(vector.floats[u]) * tanh(inner)
                }
                return Double(lengths[n]) / (1 + exp(-z))
            }
        }
        compare(
            result,
            NaiveAttention(
                query: nested(query), memory: nested(memory), lengths: lengths, local: (positions, 3)), 1e-4)
    }

    private func compare(_ result: LayerResult, _ naive: NaiveAttention, _ tolerance: Double) {
        let (contexts, weights) = (nested(result.outputs[0]), nested(result.outputs[1]))
        for n in contexts.indices {
            for t in contexts[n].indices {
                let pairs = zip(contexts[n][t] + weights[n][t], naive.context(n, t) + naive.weights(n, t))
                #expect(pairs.allSatisfy { abs($0 - $1) < tolerance }, "sample \(n), query \(t)")
            }
        }
    }

    /// What stands behind a length has no influence, and gets no gradient.
    @Test(arguments: ["dot", "general", "concat"])
    func paddingHasNoInfluence(_ score: String) throws {
        let layer = try LayerHarness(.layer(Attention.self), ["score": .string(score)])
        let query = TensorValue.normal([2, 3, 4], seed: 1)
        func result(_ padding: Float) throws -> LayerResult {
            var values = TensorValue.normal([2, 5, 4], seed: 2).floats
            for index in 3 * 4..<5 * 4 { values[index] = padding }
            return try layer.train([query, TensorValue([2, 5, 4], values), TensorValue([2], int64s: [3, 5])])
        }
        let (a, b) = (try result(0), try result(1000))
        #expect(a.outputs[0].floats == b.outputs[0].floats)
        #expect(a.outputs[1].floats == b.outputs[1].floats)
        #expect(a.inputGradients[0]?.floats == b.inputGradients[0]?.floats)
        #expect(a.inputGradients[1]!.floats[3 * 4..<5 * 4].allSatisfy { $0 == 0 })
        #expect(a.parameterGradients.map { $0?.floats } == b.parameterGradients.map { $0?.floats })
    }

    @Test(arguments: [-1, 6, Int64.max])
    func lengthsOutOfRangeAreNamed(_ length: Int64) throws {
        let layer = try LayerHarness(.layer(Attention.self))
        #expect {
            try layer.train([
                .normal([2, 3, 4], seed: 1), .normal([2, 5, 4], seed: 2), TensorValue([2], int64s: [5, length]),
            ])
        } throws: { error in
            guard let error = error as? CallError else { return false }
            return error.argument == 2
                && error.text.contains("the length of sample 1 is \(length), the memory has 5 steps: wanted 0 to 5")
        }
    }

    /// A position that is no number makes the row NaN and nothing else.
    @Test func positionsThatAreNoNumbers() throws {
        let layer = try LayerHarness(.layer(Attention.self), ["scope": "local", "window": 1, "attentional": false])
        var query = TensorValue.normal([1, 2, 3], seed: 1).floats
        query[0] = .nan
        let result = try layer.train([TensorValue([1, 2, 3], query), .normal([1, 5, 3], seed: 2)])
        #expect(result.violations == [])
        #expect(result.outputs[1].floats[..<5].allSatisfy { $0.isNaN })
        #expect(result.outputs[1].floats[5...].allSatisfy { $0.isFinite })
    }
}
