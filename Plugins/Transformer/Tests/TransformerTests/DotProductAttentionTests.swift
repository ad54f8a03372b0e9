import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

@Suite struct DotProductAttentionTests {
    @Test func rules() {
        let heads: JSONObject = ["heads": 2]
        var cases: [LayerCase] = []
        for causal in [false, true] {
            let base: JSONObject = ["heads": 2, "causal": .bool(causal)]
            cases += [
                LayerCase(base, .normal([3, 4, 6]), .normal([3, 5, 6]), .normal([3, 5, 4])),
                LayerCase(base, .normal([2, 7, 18])),
                LayerCase(base, .normal([2, 1, 4]), .normal([2, 67, 4]), .normal([2, 67, 4])),
                LayerCase(
                    ["heads": 4, "key_heads": 2, "causal": .bool(causal), "alibi": true], .normal([2, 3, 8]),
                    .normal([2, 5, 4]), .normal([2, 5, 6]), .integers([2], 0..<6)),
                LayerCase(["heads": 1, "window": 2, "causal": .bool(causal)], .normal([2, 9, 9])),
            ]
        }
        cases += [
            LayerCase(heads, .normal([2, 3, 4]), .normal([2, 0, 4]), .normal([2, 0, 4])),
            LayerCase(heads, .normal([2, 0, 4]), .normal([2, 3, 4]), .normal([2, 3, 4])),
            LayerCase(["heads": 2, "scale": 0.5], .normal([0, 3, 12])),
            LayerCase(["heads": 2, "dropout": 0.3, "causal": true], .normal([2, 7, 18])),
            // Several blocks of keys, whose places in the mask are further apart.
            LayerCase(
                ["heads": 1, "dropout": 0.4], .normal([2, 3, 2]), .normal([2, 140, 2]), .normal([2, 140, 1])
            ).with { $0.derivativeTolerance = 1e-2 },
            LayerCase(rejects: "wanted [N, time, features]", heads, .normal([2, 12])),
            LayerCase(rejects: "key and value belong together", heads, .normal([2, 3, 4]), .normal([2, 3, 4])),
            LayerCase(rejects: "wanted a multiple of 6", heads, .normal([2, 3, 10])),
            LayerCase(
                rejects: "wanted a multiple of 2", heads, .normal([2, 3, 5]), .normal([2, 3, 5]), .normal([2, 3, 4])),
            LayerCase(
                rejects: "wanted 4: 2 heads of 2", heads, .normal([2, 3, 4]), .normal([2, 3, 6]), .normal([2, 3, 4])),
            LayerCase(
                rejects: "as many keys as values", heads, .normal([2, 3, 4]), .normal([2, 3, 4]), .normal([2, 4, 4])),
        ]
        let faults = checkLayer(
            .layer(DotProductAttention.self), cases: cases.map { $0.with { $0.largeBatch = 100 } })
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    /// Widths of an archive that nobody has made by training.
    @Test func moreFeaturesThanThereAreNumbers() throws {
        let layer = try LayerHarness(.layer(DotProductAttention.self), ["heads": 65536, "key_heads": 1])
        let steps = [layer.host.symbol("N"), layer.host.symbol("T")]
        let error = #expect(throws: CallError.self) {
            try layer.infer([65536, 1, 1 << 50].map { (.float32, steps + [Dimension($0)]) })
        }
        #expect(error?.text.contains("more than there are numbers") == true)
    }

    struct Form: CustomTestStringConvertible, Sendable {
        var batch = 2, queries = 5, keys = 5, heads = 1, keyHeads = 1, depth = 8, valueDepth = 8
        var causal = false, alibi = false
        var window: Int?
        var lengths: [Int]?
        var testDescription: String { "\(queries)x\(keys), \(heads)/\(keyHeads) heads of \(depth), \(valueDepth)" }
    }

    /// The definition, in double precision.
    private func naive(_ form: Form, _ q: TensorValue, _ k: TensorValue, _ v: TensorValue) -> [Double] {
        let (query, key, value) = (q.floats.map(Double.init), k.floats.map(Double.init), v.floats.map(Double.init))
        var result = [Double](repeating: 0, count: form.batch * form.queries * form.heads * form.valueDepth)
        for n in 0..<form.batch {
            for h in 0..<form.heads {
                let g = h * form.keyHeads / form.heads
                let slope = form.alibi ? pow(2, -8 * Double(h + 1) / Double(form.heads)) : 0
                for i in 0..<form.queries {
                    let place = i + form.keys - form.queries
                    var scores: [(Int, Double)] = []
                    for j in 0..<form.keys {
                        let distance = abs(place - j)
                        if j >= form.lengths?[n] ?? form.keys || form.causal && j > place { continue }
                        if let window = form.window, distance >= window { continue }
                        var score = 0.0
                        for d in 0..<form.depth {
                            score +=
                                query[((n * form.queries + i) * form.heads + h) * form.depth + d]
                                * key[((n * form.keys + j) * form.keyHeads + g) * form.depth + d]
                        }
                        scores.append((j, score / Double(form.depth).squareRoot() - slope * Double(distance)))
                    }
                    let largest = scores.map(\.1).max() ?? 0
                    let total = scores.reduce(0) { $0 + exp($1.1 - largest) }
                    for (j, score) in scores {
                        for d in 0..<form.valueDepth {
                            result[((n * form.queries + i) * form.heads + h) * form.valueDepth + d] +=
                                exp(score - largest) / total
                                * value[((n * form.keys + j) * form.keyHeads + g) * form.valueDepth + d]
                        }
                    }
                }
            }
        }
        return result
    }

    @Test(arguments: [
        Form(), Form(queries: 130, keys: 130, heads: 3, keyHeads: 3, depth: 17, valueDepth: 5, causal: true),
        Form(queries: 49, keys: 200, heads: 4, keyHeads: 2, depth: 20, valueDepth: 33, alibi: true, lengths: [150, 0]),
        Form(batch: 1, queries: 500, keys: 500, heads: 2, keyHeads: 1, causal: true, window: 70),
        Form(queries: 200, keys: 64, heads: 1, keyHeads: 1, causal: true),
        Form(queries: 1, keys: 1000, heads: 2, keyHeads: 2, window: 300),
    ])
    func isTheDefinition(_ form: Form) throws {
        let query = TensorValue.normal([form.batch, form.queries, form.heads * form.depth], seed: 1)
        let key = TensorValue.normal([form.batch, form.keys, form.keyHeads * form.depth], seed: 2)
        let value = TensorValue.normal([form.batch, form.keys, form.keyHeads * form.valueDepth], seed: 3)
        var attributes: JSONObject = [
            "heads": .integer(Int64(form.heads)), "key_heads": .integer(Int64(form.keyHeads)),
            "causal": .bool(form.causal), "alibi": .bool(form.alibi),
        ]
        if let window = form.window { attributes["window"] = .integer(Int64(window)) }
        var inputs = [query, key, value]
        if let lengths = form.lengths { inputs.append(TensorValue([form.batch], int64s: lengths.map(Int64.init))) }
        let layer = try LayerHarness(.layer(DotProductAttention.self), attributes)
        let got = try layer.predict(inputs).outputs[0].floats
        let wanted = naive(form, query, key, value)
        #expect(got.count == wanted.count)
        let error = zip(got, wanted).map { abs(Double($0) - $1) }.max() ?? 0
        #expect(error < 1e-5)
    }

    /// A query that is not a number, all of whose scores are none, does not turn into zeros.
    @Test func notANumberStays() throws {
        var floats = TensorValue.normal([1, 3, 6], seed: 4).floats
        floats[6] = .nan
        let got = try LayerHarness(.layer(DotProductAttention.self), ["heads": 1, "causal": true])
            .predict([TensorValue([1, 3, 6], floats)]).outputs[0].floats
        #expect(got[..<2].allSatisfy { $0.isFinite })
        #expect(got[2..<4].allSatisfy { $0.isNaN })
    }

    /// With dropout the mean over many equal samples is the output without it, and the same stream gives the same bits.
    @Test func dropoutKeepsTheMean() throws {
        let (samples, one) = (4000, TensorValue.normal([1, 3, 6], seed: 4))
        let plain = try LayerHarness(.layer(DotProductAttention.self), ["heads": 1]).predict([one]).outputs[0].floats
        let many = TensorValue([samples, 3, 6], (0..<samples).flatMap { _ in one.floats })
        let layer = try LayerHarness(.layer(DotProductAttention.self), ["heads": 1, "dropout": 0.5])
        let outputs = try layer.train([many]).outputs[0].floats
        for (index, wanted) in plain.enumerated() {
            let mean = (0..<samples).reduce(0) { $0 + Double(outputs[$1 * plain.count + index]) } / Double(samples)
            #expect(abs(mean - Double(wanted)) < 0.1)
        }
        #expect(Set(outputs).count > 20)
        #expect(try layer.train([many]).outputs[0].floats == outputs)
        #expect(try layer.predict([one]).outputs[0].floats == plain)
    }
}
