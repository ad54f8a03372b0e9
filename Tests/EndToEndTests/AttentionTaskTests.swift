import Foundation
import LaminaFormats
import Testing

/// Text from models of attention, through the command: training, then tasks in new processes.
@Suite("Tasks on models of attention", .needs("Core", "Data", "Transformer"))
struct AttentionTaskTests {
    /// A language model of lines "abc,cba,bca," and so on; `more` are attributes of its block.
    private func languageModel(_ folder: Folder, _ more: String) throws {
        try folder.trainLanguageModel(
            text: String(repeating: "abc,cba,bca,", count: 100), stream: 16,
            layers: [
                """
                - transformer.gpt: { vocabulary: 16, units: 32, heads: 4, layers: 2, context: 24, \(more) }
                  name: ""
                """
            ], learningRate: 0.003, epochs: 50)
    }

    /// Steps whose keys and values are kept give exactly the tokens of those that compute all of them again, also where
    /// learned positions end.
    @Test(arguments: [
        "positions: learned", "positions: sinusoidal, key_heads: 2, window: 7",
        "positions: rotary, normalization: rms_norm, gated: true, activation: silu", "positions: alibi, norm: post",
    ])
    func cachedIsUncached(_ form: String) throws {
        let folder = try Folder()
        try languageModel(folder, form)
        for options in [["--seed", "3", "--temperature", "3"], ["--beam", "3"], ["--samples", "2", "--seed", "5"]] {
            let task = ["task", "m.lamina", "generate", "abc,c", "--length", "40"] + options
            let cached = try folder.lamina(task)
            cached.succeeded()
            #expect(cached.output.count > 30)
            #expect(try folder.lamina(task + ["--no-cache"]).output == cached.output, "\(options)")
        }
        let certain = try folder.lamina("task", "m.lamina", "generate", "abc,c", "--length", "10", "--temperature", "0")
        #expect(certain.output == "abc,cba,bca,abc\n", "\(certain.errors)")
    }

    @Test func stopWordsAndDrawings() throws {
        let folder = try Folder()
        try languageModel(folder, "positions: learned")
        let task = ["task", "m.lamina", "generate", "abc,c", "--temperature", "0"]
        #expect(try folder.lamina(task + ["--stop", "a,b"]).output == "abc,c\n")
        #expect(try folder.lamina(task + ["--stop", "\\,b"]).output == "abc,cba\n")
        #expect(try folder.lamina(task + ["--stop", "ca,x", "--stop", "bb"]).output == "abc,cba,b\n")
        let empty = try folder.lamina(task + ["--stop", ""])
        #expect(empty.status == 2 && empty.errors.contains("stop has an empty text"))
        let beam = try folder.lamina(["task", "m.lamina", "generate", "abc,c", "--beam", "2", "--seed", "4"])
        #expect(beam.status == 2 && beam.errors.contains("a beam draws nothing"))

        try folder.lamina(task + ["--length", "3", "--attention", "a.svg"]).succeeded()
        let picture = String(decoding: try folder.bytes("a.svg"), as: UTF8.self)
        #expect(picture.contains(">layers.1.self_attn, head 3</text>") && !picture.contains("head 4"))
        let embedded = try folder.lamina("task", "m.lamina", "embed", "abc", "cb", "--format", "json")
        let vectors = try embedded.rows().map { try [JSON](json: $0["vector"] ?? .null, at: "vector") }
        #expect(vectors.map(\.count) == [32, 32])
        try folder.lamina("task", "m.lamina", "embed", "abc", "cb", "--output", "v.npy").succeeded()
        #expect(try folder.bytes("v.npy").count == 128 + 2 * 32 * 4)
    }

    /// Of tasks of one name those are offered whose plugins compute the model, not also those of a block of other layers.
    @Test(.needs("RNN", "CNN")) func tasksOfThoseWhoCompute() throws {
        let folder = try Folder()
        try folder.trainLanguageModel(
            text: String(repeating: "abc", count: 133), stream: 8,
            layers: [
                "- core.embedding: { count: 8, dimension: 8 }", "- rnn.tcn: { filters: [16], kernel: 3 }",
                "- core.dense: { units: 48 }", "- transformer.dot_product_attention: { heads: 2, causal: true }",
                "- core.dense: { units: 8 }",
            ], learningRate: 0.02, epochs: 30)
        let list = try folder.lamina("task", "m.lamina", "--format", "json")
        let wanted: [JSON?] = ["transformer.embed", "transformer.generate", "transformer.translate"]
        #expect(try list.rows().map { $0["id"] } == wanted)
        let task = ["task", "m.lamina", "generate", "ab", "--length", "4", "--temperature", "0"]
        let whole = try folder.lamina(task + ["--no-cache"])
        #expect(whole.output == "abcabc\n", "\(whole.errors)")
        // Convolutions keep nothing of earlier steps.
        let cached = try folder.lamina(task)
        #expect(
            cached.status == 4
                && cached.errors.contains(
                    "cannot be computed step by step; with --no-cache each step computes all of them again"),
            "\(cached)")
    }

    private func translator(_ folder: Folder) throws {
        let words = ["ab", "ba", "abc", "cab", "bca", "cb", "ca", "bac", "a", "b", "c", "acb", "cba", "bc", "ac"]
        try folder.trainTranslator(
            words.map { ($0, String($0.reversed())) }, source: "data.characters",
            block:
                "transformer.encoder_decoder: { source_vocabulary: 8, target_vocabulary: 8, units: 32, heads: 4, layers: 1, "
                + "feed_forward: 64, dropout: 0 }", learningRate: 0.003, epochs: 120, batch: 5)
    }

    @Test func translation() throws {
        let folder = try Folder()
        try translator(folder)
        let task = ["task", "m.lamina", "translate", "--file", "lines.tsv", "--format", "json"]
        for options in [[], ["--beam", "4"], ["--batch", "4"]] {
            let cached = try folder.lamina(task + options)
            let whole = try folder.lamina(task + options + ["--no-cache"])
            let (left, right) = try (cached.rows(), whole.rows())
            #expect(left.count == 16 && left.map { $0["text"] } == right.map { $0["text"] })
            #expect(try left[15]["exact_match"].number() == 1)
            for (left, right) in zip(left, right).dropLast() {
                #expect(abs(try left["log_probability"].number() - right["log_probability"].number()) < 1e-4)
            }
        }
        try folder.lamina("task", "m.lamina", "translate", "abc", "--attention", "a.svg", "--head", "2").succeeded()
        let picture = String(decoding: try folder.bytes("a.svg"), as: UTF8.self)
        #expect(picture.contains("decoder.layers.0.multihead_attn, head 2<") && picture.contains("&lt;eos&gt; ← a:"))
        let vectors = try folder.lamina("task", "m.lamina", "embed", "ab", "cba", "--format", "json")
        #expect(try vectors.rows().count == 2)
        let refused = try folder.lamina("task", "m.lamina", "generate", "ab")
        #expect(refused.status == 4 && refused.errors.contains("only a model of one input of tokens"))
    }
}
