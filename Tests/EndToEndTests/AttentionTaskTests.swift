import Foundation
import LaminaFormats
import Testing

/// Text from models of attention, through the command: training, then tasks in new processes.
@Suite("Tasks on models of attention", .needs("Core", "Data", "Transformer"))
struct AttentionTaskTests {
    private func rows(_ outcome: Outcome) throws -> [JSON] { try [JSON](json: JSON.parse(outcome.output), at: "rows") }
    private func number(_ json: JSON?) throws -> Double { try Double(json: try #require(json), at: "number") }

    /// A language model of lines "abc,cba,bca," and so on; `more` are attributes of its block.
    private func languageModel(_ folder: Folder, _ name: String, _ more: String) throws {
        try folder.write(Data(String(repeating: "abc,cba,bca,", count: 100).utf8), "text.txt")
        let recipe = """
            lamina: 1
            data:
              train: { reader: data.text_file, path: text.txt }
              text:
                text: { tokenizer: data.characters, stream: 16 }
            model:
              layers:
                - transformer.gpt: { vocabulary: 16, units: 32, heads: 4, layers: 2, context: 24, \(more) }
                  name: ""
                  from: text
            loss:
              core.cross_entropy: { class_axis: -1 }
            optimizer: { core.adam: { learning_rate: 0.003 } }
            train: { epochs: 50, batch: 4, seed: 1 }
            """
        try folder.write(Data(recipe.utf8), name + ".yaml")
        try folder.lamina("train", name + ".yaml", "-o", name + ".lamina").succeeded()
    }

    /// Steps whose keys and values are kept give exactly the tokens of those that compute all of them again, also where
    /// learned positions end.
    @Test(arguments: [
        "positions: learned", "positions: sinusoidal, key_heads: 2, window: 7",
        "positions: rotary, normalization: rms_norm, gated: true, activation: silu", "positions: alibi, norm: post",
    ])
    func cachedIsUncached(_ form: String) throws {
        let folder = try Folder()
        try languageModel(folder, "m", form)
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
        try languageModel(folder, "m", "positions: learned")
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
        let vectors = try rows(embedded).map { try [JSON](json: $0["vector"] ?? .null, at: "vector") }
        #expect(vectors.map(\.count) == [32, 32])
        try folder.lamina("task", "m.lamina", "embed", "abc", "cb", "--output", "v.npy").succeeded()
        #expect(try folder.bytes("v.npy").count == 128 + 2 * 32 * 4)
    }

    /// Of tasks of one name those are offered whose plugins compute the model, not also those of a block of other layers.
    @Test(.needs("RNN", "CNN")) func tasksOfThoseWhoCompute() throws {
        let folder = try Folder()
        try folder.write(Data(String(repeating: "abc", count: 133).utf8), "text.txt")
        let recipe = """
            lamina: 1
            data:
              train: { reader: data.text_file, path: text.txt }
              text:
                text: { tokenizer: data.characters, stream: 8 }
            model:
              layers:
                - core.embedding: { count: 8, dimension: 8 }
                  from: text
                - rnn.tcn: { filters: [16], kernel: 3 }
                - core.dense: { units: 48 }
                - transformer.dot_product_attention: { heads: 2, causal: true }
                - core.dense: { units: 8 }
            loss:
              core.cross_entropy: { class_axis: -1 }
            optimizer: { core.adam: { learning_rate: 0.02 } }
            train: { epochs: 30, batch: 4, seed: 1 }
            """
        try folder.write(recipe, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        let list = try folder.lamina("task", "m.lamina", "--format", "json")
        let wanted: [JSON?] = ["transformer.embed", "transformer.generate", "transformer.translate"]
        #expect(try rows(list).map { $0["id"] } == wanted)
        let task = ["task", "m.lamina", "generate", "ab", "--length", "4", "--temperature", "0"]
        let whole = try folder.lamina(task + ["--no-cache"])
        #expect(whole.output == "abcabc\n", "\(whole.errors)")
        // Convolutions keep nothing of earlier steps.
        let cached = try folder.lamina(task)
        #expect(cached.status != 0 && cached.errors.contains("cannot be computed step by step"), "\(cached.errors)")
    }

    private func translator(_ folder: Folder) throws {
        let words = ["ab", "ba", "abc", "cab", "bca", "cb", "ca", "bac", "a", "b", "c", "acb", "cba", "bc", "ac"]
        let lines = words.map { "\($0)\t\(String($0.reversed()))\n" }.joined()
        try folder.write(Data(("text\tback\n" + lines).utf8), "pairs.tsv")
        try folder.write(Data(lines.utf8), "lines.tsv")
        let recipe = """
            lamina: 1
            data:
              train: { reader: data.table, path: pairs.tsv, text: [text, back] }
              text:
                source: { from: text, tokenizer: data.characters, end: true, length: lengths }
                shifted: { from: back, tokenizer: data.characters, begin: true }
                target: { from: back, end: true }
            model:
              layers:
                - transformer.encoder_decoder:
                    { source_vocabulary: 8, target_vocabulary: 8, units: 32, heads: 4, layers: 1, feed_forward: 64, dropout: 0 }
                  name: ""
                  from: [source, shifted, lengths]
            loss:
              core.cross_entropy: { class_axis: -1, ignore_index: 0 }
            optimizer: { core.adam: { learning_rate: 0.003 } }
            train: { epochs: 120, batch: 5, seed: 1 }
            """
        try folder.write(Data(recipe.utf8), "recipe.yaml")
        try folder.lamina("train", "recipe.yaml", "-o", "m.lamina").succeeded()
    }

    @Test func translation() throws {
        let folder = try Folder()
        try translator(folder)
        let task = ["task", "m.lamina", "translate", "--file", "lines.tsv", "--format", "json"]
        for options in [[], ["--beam", "4"], ["--batch", "4"]] {
            let cached = try folder.lamina(task + options)
            let whole = try folder.lamina(task + options + ["--no-cache"])
            let (left, right) = try (rows(cached), rows(whole))
            #expect(left.count == 16 && left.map { $0["text"] } == right.map { $0["text"] })
            #expect(try number(left[15]["exact_match"]) == 1)
            for (left, right) in zip(left, right).dropLast() {
                #expect(abs(try number(left["log_probability"]) - number(right["log_probability"])) < 1e-4)
            }
        }
        try folder.lamina("task", "m.lamina", "translate", "abc", "--attention", "a.svg", "--head", "2").succeeded()
        let picture = String(decoding: try folder.bytes("a.svg"), as: UTF8.self)
        #expect(picture.contains("decoder.layers.0.multihead_attn, head 2<") && picture.contains("&lt;eos&gt; ← a:"))
        let vectors = try folder.lamina("task", "m.lamina", "embed", "ab", "cba", "--format", "json")
        #expect(try rows(vectors).count == 2)
        let refused = try folder.lamina("task", "m.lamina", "generate", "ab")
        #expect(refused.status == 4 && refused.errors.contains("only a model of one input of tokens"))
    }
}
