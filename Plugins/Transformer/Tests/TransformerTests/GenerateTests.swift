import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

/// `generate` on a made-up model whose logits follow from all tokens that it sees.
@Suite struct GenerateTests {
    /// How many steps each evaluation saw, as a whole.
    final class Calls { var steps: [Int] = [] }

    private func model(
        attention: String = "\"heads\": 2, \"causal\": true", component: String = "transformer.dot_product_attention",
        context: Int? = nil, calls: Calls = Calls()
    ) throws -> TaskHarness {
        let positions = context.map {
            "{\"name\": \"positions\", \"component\": \"transformer.learned_positions\", \"attributes\": {\"count\": \($0)},"
                + "\"inputs\": [\"embedding\"]},"
        }
        let graph = """
            {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", "T"]}],
             "nodes": [{"name": "embedding", "component": "core.embedding", "inputs": ["text"]}, \(positions ?? "")
                       {"name": "layers.0.self_attn.in_proj", "component": "core.dense", "inputs": ["embedding"]},
                       {"name": "layers.0.self_attn.attention", "component": "\(component)",
                        "attributes": {\(attention)}, "inputs": ["layers.0.self_attn.in_proj", null, null, null]},
                       {"name": "output", "component": "core.dense", "inputs": ["layers.0.self_attn.attention"]}],
             "outputs": [{"name": "logits", "from": "output"}]}
            """
        let text = TaskHarness.TextInput(try TokenizerHarness.scalars("abcdef"))
        return TaskHarness(graph: graph, texts: ["text": text]) { given, wanted in
            let (tokens, shape) = (given[0].value.elements(as: Int64.self), given[0].value.shape)
            if wanted == ["layers.0.self_attn.in_proj"] {
                // Queries and keys that are alike for tokens that are: each looks at those of its own kind.
                return [
                    TensorValue(
                        shape + [6 * 10],
                        tokens.flatMap { token in
                            (0..<60).map { Int64($0 % 10) == token && $0 < 40 ? 5 : 0 }
                        })
                ]
            }
            calls.steps.append(shape[1])
            var logits: [Float] = []
            for row in 0..<shape[0] {
                var hash: UInt64 = 7
                for step in 0..<shape[1] {
                    hash = (hash ^ UInt64(tokens[row * shape[1] + step])) &* 0xBF58_476D_1CE4_E5B9
                    hash ^= hash >> 29
                    logits += (0..<10).map { $0 < 4 ? -20 : Float((hash >> UInt64(4 * $0)) % 64) / 16 }
                }
            }
            return [TensorValue(shape + [10], logits)]
        }
    }

    @Test(arguments: [["temperature": 0], ["seed": 3], ["beam": 4], ["beam": 3, "samples": 3]] as [JSONObject])
    func cachedIsUncached(_ attributes: JSONObject) throws {
        for context in [nil, 8, 5, 1] {
            let calls = (cached: Calls(), whole: Calls())
            let length: JSONObject = attributes.merging(["length": 20])
            let cached = try model(context: context, calls: calls.cached).run(
                .task(Generate.self), length, arguments: ["abc"])
            let whole = try model(context: context, calls: calls.whole).run(
                .task(Generate.self), length.merging(["cache": false]), arguments: ["abc"])
            #expect(cached.text == whole.text && cached.rows == whole.rows)
            #expect(cached.rows.isEmpty == (cached.text.count == 23))
            #expect(calls.cached.steps == calls.whole.steps)
            // No step sees more than there are positions; a text that is longer goes on from the last half of them.
            let steps = calls.whole.steps
            #expect(steps.count == 20 && steps.allSatisfy { $0 <= context ?? 22 })
            if context == 5 { #expect(steps.prefix(8) == [3, 4, 5, 3, 4, 5, 3, 4]) }
        }
    }

    @Test func attentionAsADrawing() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).svg")
        defer { try? FileManager.default.removeItem(at: url) }
        let attributes: JSONObject = ["temperature": 0, "length": 1, "attention": .string(url.path)]
        let answer = try model().run(.task(Generate.self), attributes, arguments: ["aba"])
        #expect(answer.files == [url.path])
        let both = try String(contentsOf: url, encoding: .utf8)
        #expect(
            both.contains(">layers.0.self_attn, head 0</text>") && both.contains(">layers.0.self_attn, head 1</text>"))
        // The second "a" sees the first and itself alike, "b" hardly; the first sees nothing behind it.
        #expect(both.contains("<title>a ← b: 0.0 %") && both.contains("<title>a ← a: 50.0 %"))
        _ = try model().run(.task(Generate.self), attributes.merging(["head": 1, "layer": 0]), arguments: ["aba"])
        let one = try String(contentsOf: url, encoding: .utf8)
        #expect(one.contains("head 1<") && !one.contains("head 0<"))
        for (more, wanted) in [
            (["head": 2], "head is 2, wanted 0 to 1"), (["layer": 1], "layer is 1, wanted 0 to 0"),
        ] as [(JSONObject, String)] {
            let calls = Calls()
            let model = try model(calls: calls)
            #expect {
                try model.run(.task(Generate.self), attributes.merging(more), arguments: ["a"])
            } throws: { "\($0)".contains(wanted) }
            #expect(calls.steps.isEmpty)
        }
        let long = Calls()
        let two = try self.model(calls: long)
        #expect {
            try two.run(.task(Generate.self), attributes, arguments: [String(repeating: "a", count: 1001)])
        } throws: { "\($0)".contains("2 maps of 1001 × 1001 tokens are more than") }
        #expect(long.steps.isEmpty)
        let model = try model()
        #expect { try model.run(.task(Generate.self), ["head": 1], arguments: ["a"]) } throws: {
            "\($0)".contains("give --attention FILE")
        }
    }

    @Test func whatGoesOnWithNoText() throws {
        for (model, wanted) in [
            (try model(component: "core.dense"), "the model has no attention"),
            (try model(attention: "\"heads\": 2"), "'layers.0.self_attn' lets a step see later ones"),
        ] {
            #expect { try model.run(.task(Generate.self), arguments: ["a"]) } throws: { "\($0)".contains(wanted) }
        }
    }
}
