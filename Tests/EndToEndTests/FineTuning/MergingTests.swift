import Foundation
import LaminaFormats
import Testing

/// Low-rank updates of trained networks: few parameters, small deltas, and the same outputs when they are folded in.
@Suite("Low-rank updates", .needs("Core", "Data", "Transformer"))
struct MergingTests {
    @Test("LoRA: few parameters, a small delta, as good as full training; merged it computes the same")
    func lowRank() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try tuned.write("")
        try folder.lamina("train", "tune.yaml", "-o", "full.lamina").succeeded()
        try tuned.write(TunedFolder.low, epochs: 12, learningRate: 0.01, to: "lora.yaml")
        let outcome = try folder.lamina("train", "lora.yaml", "-o", "lora.lamina").succeeded()
        #expect(outcome.errors.contains("training 3200 of 301188 parameters"), "\(outcome)")
        #expect(3200 * 50 <= 297988, "more than 2 % of the parameters")
        try folder.lamina("verify", "lora.lamina").succeeded()
        try folder.lamina("selftest", "lora.lamina").succeeded()
        let (low, full) = (try tuned.accuracy("lora.lamina"), try tuned.accuracy("full.lamina"))
        #expect(full > 0.9 && low >= full - 0.02, "full \(full), low rank \(low)")

        // Against the base as it is without what training it left there.
        try folder.lamina("repack", "base.lamina", "-o", "plain.lamina").succeeded()
        try folder.lamina("repack", "lora.lamina", "-o", "small.lamina", "--delta").succeeded()
        let (plain, small) = (try folder.bytes("plain.lamina").count, try folder.bytes("small.lamina").count)
        #expect(small * 20 < plain, "\(small) of \(plain) bytes")
        #expect(try Set(tuned.weights("small.lamina").keys.map { $0.suffix(6) }) == ["lora_A", "lora_B"])

        let adapted = try tuned.outputs("lora.lamina")
        let first = try tuned.outputs("base.lamina")
        #expect(adapted != first)
        #expect(try tuned.outputs("small.lamina") == adapted)
        // A base without training state is the same base.
        #expect(try tuned.outputs("lora.lamina", "--base", "plain.lamina") == adapted)
        try folder.lamina("repack", "lora.lamina", "-o", "whole.lamina").succeeded()
        let merging = try folder.lamina("repack", "lora.lamina", "-o", "merged.lamina", "--merge").succeeded()
        #expect(merging.errors.contains("folded 2: first.lora, second.lora"), "\(merging)")
        // Neither needs the base.
        try FileManager.default.moveItem(atPath: folder.path("base.lamina"), toPath: folder.path("gone.lamina"))
        #expect(try tuned.outputs("whole.lamina") == adapted)
        let merged = try tuned.outputs("merged.lamina")
        #expect(zip(merged, adapted).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(zip(merged, adapted).map { $0 - $1 })")
        #expect(merged != first)
        for name in ["whole.lamina", "merged.lamina"] {
            try folder.lamina("verify", name).succeeded()
            try folder.lamina("selftest", name).succeeded()
        }
        #expect(try tuned.weights("merged.lamina").keys.sorted() == tuned.weights("gone.lamina").keys.sorted())
        #expect(try tuned.accuracy("merged.lamina") == low)
    }

    @Test("a vision transformer with low-rank updates and a new head does another task", .needs("CNN"))
    func vision() throws {
        // From the quadrant that is bright to its side.
        let tuned = try TunedFolder(
            layers: """
                model:
                  input: [1, 8, 8]
                  layers:
                    - transformer.vit:
                        { image: 8, patch: 4, units: 32, heads: 2, layers: 2, feed_forward: 128, classes: 4 }
                      name: ""

                """, epochs: 20, relabel: { $0 % 2 })
        let folder = tuned.folder
        #expect(try tuned.accuracy("base.lamina") > 0.9)
        try tuned.write(
            """
            model:
              replace:
                head: { core.dense: { units: 2 } }
              adapt:
                - transformer.lora: { rank: 1, alpha: 4 }
                  to: ["*.in_proj", "*.out_proj"]

            """, learningRate: 0.005)
        let outcome = try folder.lamina("train", "tune.yaml", "-o", "m.lamina").succeeded()
        // 2 blocks of (32 + 96) + (32 + 32) and 2 · 33 of 26340 without them and with a head of 4 · 33.
        #expect(outcome.errors.contains("training 450 of 26658 parameters"), "\(outcome)")
        #expect(450 * 50 <= 26340, "more than 2 % of the parameters")
        #expect(
            try Set(tuned.weights("m.lamina").keys)
                == Set(
                    ["head.weight", "head.bias"]
                        + (0..<2).flatMap { block in
                            ["in_proj", "out_proj"].flatMap { layer in
                                ["A", "B"].map { "layers.\(block).self_attn.\(layer).lora.lora_\($0)" }
                            }
                        }))
        let merging = try folder.lamina("repack", "m.lamina", "-o", "merged.lamina", "--merge").succeeded()
        #expect(merging.errors.contains("folded 4"), "\(merging)")
        for name in ["m.lamina", "merged.lamina"] {
            for verb in ["verify", "selftest"] { try folder.lamina(verb, name).succeeded() }
            #expect(try tuned.accuracy(name) > 0.9, "\(name)")
        }
        let (apart, merged) = (try tuned.outputs("m.lamina"), try tuned.outputs("merged.lamina"))
        #expect(apart.count == 16 * 2 && zip(apart, merged).allSatisfy { abs($0 - $1) <= 1e-5 })
    }

    @Test("a language model is adapted within its blocks, and goes on to generate")
    func languageModel() throws {
        let folder = try Folder()
        try folder.write(String(repeating: "the quick brown fox jumps over the lazy dog. ", count: 60), "text.txt")
        let data = "data:\n  train: { reader: data.text_file, path: text.txt, unit: file }\n"
        let rest = "optimizer: { core.adam: { learning_rate: 0.01 } }\ntrain: { epochs: 1, batch: 8, seed: 3 }\n"
        try folder.write(
            "lamina: 1\n" + data + """
                  text: { text: { tokenizer: data.characters, stream: 16 } }
                model:
                  layers:
                    - transformer.gpt: { vocabulary: 40, units: 32, heads: 2, layers: 2, context: 64 }
                      name: ""
                loss: { core.cross_entropy: { class_axis: -1 } }

                """ + rest, "base.yaml")
        try folder.lamina("train", "base.yaml", "-o", "base.lamina").succeeded()
        try folder.write(
            "lamina: 1\nfrom: base.lamina\n" + data + """
                model:
                  adapt:
                    - transformer.lora: { rank: 2 }
                      to: ["*.in_proj", "*.out_proj"]
                    - transformer.adapter: { size: 4 }
                      to: "*.linear2"

                """ + rest, "tune.yaml")
        let outcome = try folder.lamina("train", "tune.yaml", "-o", "m.lamina").succeeded()
        #expect(outcome.errors.contains("28 of 44 tensors begin"), "\(outcome)")
        for verb in ["verify", "selftest"] { try folder.lamina(verb, "m.lamina").succeeded() }
        let merging = try folder.lamina("repack", "m.lamina", "-o", "merged.lamina", "--merge").succeeded()
        #expect(merging.errors.contains("folded 4: layers.0.self_attn.in_proj.lora"), "\(merging)")
        #expect(merging.errors.contains("kept layers.0.linear2.adapter: transformer.adapter offers no way to fold it"))
        try folder.lamina("selftest", "merged.lamina").succeeded()
        for name in ["m.lamina", "merged.lamina"] {
            let text = try folder.lamina("task", name, "generate", "the quick", "--length", "12").succeeded()
            #expect(!text.output.isEmpty, "\(text)")
        }
    }
}
