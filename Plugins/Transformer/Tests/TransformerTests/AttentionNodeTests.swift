import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import LaminaDecoding
@testable import Transformer

/// Weights that are drawn are those by which the layer mixes values: with values that are 1 for one key each, its output is
/// the weights themselves.
@Suite struct AttentionNodeTests {
    private func buffer(_ value: TensorValue) -> TensorBuffer {
        let buffer = TensorBuffer(.float32, value.shape)
        for (index, number) in value.floats.enumerated() { buffer.tensor.floats[index] = number }
        return buffer
    }

    private func node(_ attributes: JSONObject, _ inputs: [String?]) throws -> AttentionNode {
        try #require(
            try AttentionNode(
                .init(name: "a", component: "transformer.dot_product_attention", attributes: attributes, inputs: inputs)
            ))
    }

    @Test(
        arguments: [
            ["heads": 1], ["heads": 4, "key_heads": 2, "causal": true], ["heads": 3, "alibi": true, "scale": 0.7],
            ["heads": 2, "causal": true, "window": 3, "alibi": true], ["heads": 2, "window": 1],
        ] as [JSONObject])
    func weightsAreThoseOfTheLayer(_ attributes: JSONObject) throws {
        let node = try node(attributes, ["q", "k", "v", nil])
        let (queries, keys, depth) = (5, 7, 6)
        let q = TensorValue.normal([1, queries, node.heads * depth], seed: 1)
        let k = TensorValue.normal([1, keys, node.keyHeads * depth], seed: 2)
        let v = TensorValue(
            [1, keys, node.keyHeads * keys],
            (0..<keys).flatMap { key in (0..<node.keyHeads * keys).map { $0 % keys == key ? 1 : 0 } })
        let output = try LayerHarness(.layer(DotProductAttention.self), attributes).predict([q, k, v]).outputs[0]
        let (query, key) = (buffer(q), buffer(k))
        for head in 0..<node.heads {
            let weights = try node.weights(query.tensor, key.tensor, head: head)
            let wanted = (0..<queries).map { row in
                Array(output.floats[(row * node.heads + head) * keys..<(row * node.heads + head + 1) * keys])
            }
            let difference = zip(weights.joined(), wanted.joined()).map { abs($0 - $1) }.max()!
            #expect(weights.count == queries && difference < 1e-5, "head \(head)")
        }
    }

    /// Queries and keys side by side with values are the same ones.
    @Test func packed() throws {
        let (heads, keyHeads, depth, steps) = (4, 2, 3, 6)
        let width = (heads + 2 * keyHeads) * depth
        let all = TensorValue.normal([1, steps, width], seed: 3)
        func columns(_ range: Range<Int>) -> TensorBuffer {
            buffer(
                TensorValue(
                    [1, steps, range.count],
                    (0..<steps).flatMap { step in range.map { all.floats[step * width + $0] } }))
        }
        let attributes: JSONObject = ["heads": 4, "key_heads": 2, "causal": true]
        let (packed, apart) = try (node(attributes, ["x"]), node(attributes, ["q", "k", "v"]))
        let (query, key, whole) = (columns(0..<12), columns(12..<18), buffer(all))
        for head in 0..<heads {
            let weights = try packed.weights(whole.tensor, nil, head: head)
            #expect(try weights == apart.weights(query.tensor, key.tensor, head: head))
            #expect(weights[0] == [1, 0, 0, 0, 0, 0])
        }
    }

    @Test func whatIsNoAttention() throws {
        #expect(try AttentionNode(.init(name: "a", component: "core.dense", attributes: [:], inputs: ["x"])) == nil)
        for (attributes, wanted) in [
            (["heads": "two"], "'a' cannot be read"), (["heads": 3, "key_heads": 2], "3 heads and 2 of the key"),
        ] as [(JSONObject, String)] {
            #expect { try node(attributes, ["x"]) } throws: { "\($0)".contains(wanted) }
        }
        let short = buffer(.normal([1, 2, 7], seed: 1))
        #expect { try node(["heads": 2], ["x"]).weights(short.tensor, nil, head: 0) } throws: {
            "\($0)".contains("takes [1, 2, 7]")
        }
    }
}
