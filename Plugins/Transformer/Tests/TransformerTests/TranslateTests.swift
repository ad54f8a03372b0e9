import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

/// `translate` on a made-up model that says a text backwards: the decoder knows the source by keys and values alone.
@Suite struct TranslateTests {
    /// The texts that the encoder got at a time.
    final class Calls { var encoded: [[Int]] = [] }

    private func model(
        lengths: Bool = true, steps: (source: String, target: String) = ("\"S\"", "\"T\""), causal: Bool = true,
        crosses: Bool = true, context: Int? = nil,
        tokenizer: TokenizerHarness? = nil, calls: Calls = Calls()
    ) throws -> TaskHarness {
        let told = lengths ? "\"lengths\"" : "null"
        let start = context == nil ? "decoder.embedding" : "decoder.positions"
        let graph = """
            {"inputs": [{"name": "target", "dtype": "int64", "shape": ["N", \(steps.target)]},
                        {"name": "source", "dtype": "int64", "shape": ["N", \(steps.source)]}
                        \(lengths ? ", {\"name\": \"lengths\", \"dtype\": \"int64\", \"shape\": [\"N\"]}" : "")],
             "nodes": [{"name": "encoder.embedding", "component": "core.embedding", "inputs": ["source"]},
                       {"name": "encoder.layers.0.self_attn.attention", "component": "transformer.dot_product_attention",
                        "attributes": {"heads": 1}, "inputs": ["encoder.embedding", null, null, \(told)]},
                       {"name": "decoder.embedding", "component": "core.embedding", "inputs": ["target"]},
                       {"name": "decoder.positions", "component": "transformer.learned_positions",
                        "attributes": {"count": \(context ?? 1)}, "inputs": ["\(start == "decoder.positions" ? "decoder.embedding" : "encoder.embedding")"]},
                       {"name": "decoder.self_attn.attention", "component": "transformer.dot_product_attention",
                        "attributes": {"heads": 1, "causal": \(causal)}, "inputs": ["\(start)"]},
                       {"name": "q_proj", "component": "core.dense", "inputs": ["decoder.self_attn.attention"]},
                       {"name": "k_proj", "component": "core.dense", "inputs": ["encoder.layers.0.self_attn.attention"]},
                       {"name": "v_proj", "component": "core.dense", "inputs": ["encoder.layers.0.self_attn.attention"]},
                       {"name": "decoder.multihead_attn.attention", "component": "transformer.dot_product_attention",
                        "attributes": {"heads": 2}, "inputs": ["q_proj", "\(crosses ? "k_proj" : "q_proj")", "v_proj", \(told)]},
                       {"name": "output", "component": "core.dense", "inputs": ["decoder.multihead_attn.attention"]}],
             "outputs": [{"name": "logits", "from": "output"}]}
            """
        let text = TaskHarness.TextInput(try tokenizer ?? TokenizerHarness.scalars("abcde"))
        return TaskHarness(graph: graph, texts: ["source": text, "target": text]) { given, wanted in
            func value(_ name: String) -> TensorValue? { given.first { $0.reference == name }?.value }
            func keys() -> TensorValue {
                let source = value("source")!
                return TensorValue(
                    source.shape + [4],
                    source.elements(as: Int64.self).flatMap { [Float($0), 0, Float($0), 0] })
            }
            if wanted == ["k_proj", "v_proj"] {
                calls.encoded.append(value("source")!.shape)
                return [keys(), keys()]
            }
            let target = value("target")!
            if wanted == ["q_proj", "k_proj"] {
                return [TensorValue(target.shape + [4], Array(repeating: 1, count: target.count * 4)), keys()]
            }
            // The decoder: the source is given as its keys and values.
            #expect(wanted == ["output"] && value("source") == nil)
            let (rows, steps) = (target.shape[0], target.shape[1])
            let (k, v) = (value("k_proj")!, value("v_proj")!)
            #expect(k.floats == v.floats && k.shape[0] == rows)
            let size = k.shape[1]
            let told = value("lengths")?.elements(as: Int64.self)
            var logits = [Float](repeating: -5, count: rows * steps * 9)
            for row in 0..<rows {
                let count = told.map { Int($0[row]) } ?? size
                for step in 0..<steps {
                    let token = step < count ? Int(k.floats[(row * size + count - 1 - step) * 4]) : 3
                    logits[(row * steps + step) * 9 + token] = 5
                }
            }
            return [TensorValue([rows, steps, 9], logits)]
        }
    }

    private func cells(_ answer: TaskHarness.Answer, _ name: String) -> [JSON?] { answer.rows.map { $0[name] } }

    @Test(arguments: [true, false]) func textsBackwards(_ isCached: Bool) throws {
        let texts = ["abc", "e", "ddcb", "", "ba"]
        let wanted = texts.map { JSON.string(String($0.reversed())) }
        let calls = Calls()
        for beam in [1, 3] {
            let answer = try model(calls: calls).run(
                .task(Translate.self), ["beam": .integer(Int64(beam)), "cache": .bool(isCached)], arguments: texts)
            #expect(cells(answer, "text") == wanted)
        }
        // The encoder runs once for all of them.
        #expect(calls.encoded == [[5, 4], [5, 4]])
        let apart = Calls()
        let answer = try model(lengths: false, calls: apart).run(
            .task(Translate.self), ["cache": .bool(isCached), "beam": 2], arguments: ["abc", "e", "dea"])
        #expect(cells(answer, "text") == ["cba", "e", "aed"])
        #expect(apart.encoded == [[1, 1], [2, 3]])
    }

    @Test func answersHaveAsManyTokensAsThereArePositions() throws {
        for cache in [true, false] {
            let answer = try model(context: 3).run(
                .task(Translate.self), ["cache": .bool(cache)], arguments: ["abcde", "a"])
            #expect(cells(answer, "text") == ["edc", "a"])
        }
    }

    @Test func attentionAsADrawing() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).svg")
        defer { try? FileManager.default.removeItem(at: url) }
        let answer = try model().run(
            .task(Translate.self), ["attention": .string(url.path), "head": 1], arguments: ["ab", "c"])
        #expect(answer.files == [url.path])
        let picture = try String(contentsOf: url, encoding: .utf8)
        #expect(picture.contains(">decoder.multihead_attn, head 1</text>"))
        // Scores are 1/√2 of 4 for "a" and of 5 for "b".
        let share = 1 / (1 + exp(-1 / 2.0.squareRoot()))
        #expect(picture.contains("<title>&lt;eos&gt; ← b: \((share * 1000).rounded() / 10) %"))
        let count = picture.components(separatedBy: "<title>").count
        #expect(count == 1 + 3 * 2)
        // What cannot be drawn is refused before anything is computed.
        let calls = Calls()
        let model = try model(calls: calls)
        #expect {
            try model.run(.task(Translate.self), ["attention": .string(url.path), "head": 2], arguments: ["ab"])
        } throws: { "\($0)".contains("head is 2, wanted 0 to 1") }
        #expect(calls.encoded.isEmpty)
    }

    /// A source of rows of one length is filled up; an answer cannot grow in one.
    @Test func rowsOfOneLength() throws {
        let calls = Calls()
        let answer = try model(steps: ("6", "\"T\""), calls: calls).run(.task(Translate.self), arguments: ["abc", "e"])
        #expect(cells(answer, "text") == ["cba", "e"] && calls.encoded == [[2, 6]])
        let fixed = try model(steps: ("\"S\"", "6"))
        #expect { try fixed.run(.task(Translate.self), arguments: ["abc"]) } throws: {
            "\($0)".contains("'target' of the model takes rows of 6 tokens")
        }
    }

    /// Answers are compared as the vocabulary sees them, for which blanks only part words.
    @Test func exactAnswersAreThoseOfTheSameTokens() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).tsv")
        defer { try? FileManager.default.removeItem(at: url) }
        try Data("a b c\tc  b a \na b\ta b\na b\tb ? a\n".utf8).write(to: url)
        let words = try WordList.harness(["<pad>", "<unk>", "<bos>", "<eos>", "a", "b", "c", "d", "e"])
        let answer = try model(tokenizer: words).run(.task(Translate.self), ["file": .string(url.path)])
        #expect(cells(answer, "exact") == [true, false, false, 1])
    }

    @Test func whatTranslatesNothing() throws {
        for (model, wanted) in [
            (try model(causal: false), "'decoder.self_attn', which lets a step of the target see later ones"),
            (try model(crosses: false), "no attention of one text to the other"),
        ] {
            #expect { try model.run(.task(Translate.self), arguments: ["a"]) } throws: { "\($0)".contains(wanted) }
        }
        let single = TaskHarness(
            graph: """
                {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", "T"]}], "nodes": [], "outputs": []}
                """)
        #expect { try single.run(.task(Translate.self), arguments: ["a"]) } throws: {
            "\($0)".contains("the inputs 'text', not two of tokens")
        }
    }
}
