import Foundation
import LaminaFormats
import Testing

/// Training that begins with an archive: full, with a part of the parameters, with inserted layers; and what becomes of it.
@Suite("Fine-tuning", .needs("Core", "Data"))
struct FineTuningTests {
    private static let layers = """
        model:
          input: [1, 8, 8]
          layers:
            - core.flatten
            - core.dense: { units: 512 }
              name: first
            - core.relu
            - core.dense: { units: 512 }
              name: second
            - core.relu
            - core.dense: { units: 4 }
              name: head

        """
    private static func rest(epochs: Int, learningRate: Double = 0.002) -> String {
        """
        loss: core.cross_entropy
        optimizer: { core.adam: { learning_rate: \(learningRate) } }
        metrics: [ core.accuracy ]
        train: { epochs: \(epochs), batch: 32, seed: 3 }

        """
    }
    private static let low = """
        model:
          adapt:
            - transformer.lora: { rank: 2, alpha: 8 }
              to: [first, second]

        """

    /// `base.lamina`, trained to tell which quadrant is bright; and data of the same images in negative, `new-…`.
    private func folder() throws -> Folder {
        let folder = try Patterns.folder(train: 600, test: 200)
        for (name, count, seed) in [("train", 600, 3), ("test", 200, 4)] {
            let patterns = Patterns(count: count, seed: seed)
            let negative = patterns.images.flatMap { $0.map { 255 - $0 } }
            try folder.write(idx([count, 8, 8], negative), "new-\(name)-images")
            try folder.write(idx([count], patterns.labels), "new-\(name)-labels")
        }
        try folder.write(
            "lamina: 1\nname: quadrants\n" + Patterns.recipe + Self.layers + Self.rest(epochs: 4), "base.yaml")
        try folder.lamina("train", "base.yaml", "-o", "base.lamina").succeeded()
        return folder
    }

    private static let newData = """
        data:
          train: { reader: data.idx, images: new-train-images, labels: new-train-labels }
          test: { reader: data.idx, images: new-test-images, labels: new-test-labels }

        """

    /// A recipe that begins with `base.lamina`.
    private func write(
        _ model: String, epochs: Int = 8, learningRate: Double = 0.002, to name: String = "tune.yaml", in folder: Folder
    ) throws {
        try folder.write(
            "lamina: 1\nfrom: base.lamina\n" + Self.newData + model
                + Self.rest(epochs: epochs, learningRate: learningRate), name)
    }

    private func weights(_ folder: Folder, _ archive: String) throws -> [String: TensorFile.Tensor] {
        try ArchiveBytes(folder.bytes(archive)).tensors().tensors
    }

    private func accuracy(_ folder: Folder, _ arguments: String...) throws -> Double {
        let outcome = try folder.lamina(["eval"] + arguments + ["--format", "json"]).succeeded()
        let value = try JSON.parse(outcome.output)["metrics"]?["accuracy"]
        return try Double(json: #require(value, "\(outcome)"), at: "accuracy")
    }

    /// Outputs of `lamina run` on 16 images of noise.
    private func outputs(_ folder: Folder, _ archive: String, _ options: String...) throws -> [Float] {
        if !folder.exists("x.safetensors") {
            try TensorFile.write(
                [("input", [16, 1, 8, 8], noise(16 * 64, seed: 9))], to: folder.path("x.safetensors"))
        }
        try folder.lamina(
            ["run", archive, "--input", "x.safetensors", "--output", "y.safetensors"] + options
        ).succeeded()
        return try TensorFile(folder.path("y.safetensors"))["output"].floats
    }

    @Test("without a model of its own, a recipe trains on with the base's, whole")
    func full() throws {
        let folder = try folder()
        try write("", epochs: 1, in: folder)
        let outcome = try folder.lamina("train", "tune.yaml", "-o", "full.lamina").succeeded()
        #expect(outcome.errors.contains("6 of 6 tensors begin with the values of"), "\(outcome)")
        let (before, after) = (try weights(folder, "base.lamina"), try weights(folder, "full.lamina"))
        #expect(before.keys == after.keys && before != after)
        // What the recipe leaves out is the base's: how images are prepared, the names of the classes.
        let manifest = try ArchiveBytes(folder.bytes("full.lamina")).json("manifest.json")
        let old = try ArchiveBytes(folder.bytes("base.lamina")).json("manifest.json")
        #expect(manifest["preprocess"]?["steps"] == old["preprocess"]?["steps"])
        #expect(manifest["labels"] == old["labels"] && manifest["labels"] != nil)
        #expect(manifest["base"] == nil)
        // It needs the base no longer.
        try FileManager.default.removeItem(atPath: folder.path("base.lamina"))
        try folder.lamina("selftest", "full.lamina").succeeded()
        _ = try accuracy(folder, "full.lamina")
        // The flag is relative to the working directory, and wins.
        try folder.lamina("train", "base.yaml", "-o", "again.lamina", "--from", "full.lamina", "--epochs", "1")
            .succeeded()
        #expect(try weights(folder, "again.lamina") != after)
    }

    @Test("a network of its own takes what fits, and says what does not")
    func partly() throws {
        let folder = try folder()
        let wider = Self.layers.replacingOccurrences(of: "units: 4 }", with: "units: 5 }")
            .replacingOccurrences(of: "name: second", with: "name: other")
        try folder.write(
            "lamina: 1\nfrom: base.lamina\n" + wider + "train: { seed: 77 }\n", "tune.yaml")
        let outcome = try folder.lamina("init", "tune.yaml", "-o", "m.lamina").succeeded()
        #expect(
            outcome.errors.contains(
                "2 of 6 tensors begin with the values of \(folder.path)/base.lamina; new: other.weight, other.bias; of "
                    + "another shape: head.weight [5, 512], there [4, 512], head.bias [5], there [4]"), "\(outcome)")
        let (before, after) = (try weights(folder, "base.lamina"), try weights(folder, "m.lamina"))
        #expect(after["first.weight"] == before["first.weight"] && after["first.bias"] == before["first.bias"])
        #expect(after["other.weight"]?.floats != before["second.weight"]?.floats)
    }

    @Test("frozen parameters stay, have no state, and are not in the delta")
    func frozen() throws {
        let folder = try folder()
        try write("model: { frozen: [\"first.*\", second.weight] }\n", epochs: 2, in: folder)
        let outcome = try folder.lamina("train", "tune.yaml", "-o", "m.lamina").succeeded()
        #expect(outcome.errors.contains("training 2564 of 297988 parameters"), "\(outcome)")
        let archive = try ArchiveBytes(folder.bytes("m.lamina"))
        #expect(Set(try archive.tensors().tensors.keys) == ["second.bias", "head.weight", "head.bias"])
        let states = try archive.tensors("state/optimizer.safetensors").tensors.keys
        #expect(
            !states.isEmpty && states.allSatisfy { $0.contains("second.bias") || $0.contains("head.") }, "\(states)")
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()
        // The same run, written whole.
        try folder.lamina("train", "tune.yaml", "-o", "whole.lamina", "--whole").succeeded()
        let (before, whole) = (try weights(folder, "base.lamina"), try weights(folder, "whole.lamina"))
        for name in ["first.weight", "first.bias", "second.weight"] { #expect(whole[name] == before[name], "\(name)") }
        for (name, tensor) in try weights(folder, "m.lamina") { #expect(whole[name] == tensor, "\(name)") }
        #expect(try outputs(folder, "m.lamina") == outputs(folder, "whole.lamina"))
        // A recipe without a base may freeze, too.
        try folder.write(
            "lamina: 1\n" + Patterns.recipe + Self.layers + "  frozen: \"first.*\"\n" + Self.rest(epochs: 1), "own.yaml"
        )
        try folder.lamina("train", "own.yaml", "-o", "own.lamina").succeeded()
        try folder.lamina("init", "own.yaml", "-o", "initial.lamina").succeeded()
        let (own, initial) = (try weights(folder, "own.lamina"), try weights(folder, "initial.lamina"))
        #expect(own["first.weight"] == initial["first.weight"] && own["head.weight"] != initial["head.weight"])
    }

    @Test("a new head takes the place of the old one and trains alone")
    func replaced() throws {
        let folder = try folder()
        try write(
            "model: { replace: { head: { core.dense: { units: 6 } } }, frozen: [\"first.*\", \"second.*\"] }\n",
            epochs: 4,
            in: folder)
        let outcome = try folder.lamina("train", "tune.yaml", "-o", "m.lamina").succeeded()
        #expect(outcome.errors.contains("4 of 6 tensors begin with"), "\(outcome)")
        let tuned = try weights(folder, "m.lamina")
        #expect(tuned["head.weight"]?.shape == [6, 512] && tuned.count == 2)
        try folder.lamina("selftest", "m.lamina").succeeded()
        // One of the same shape begins anew all the same.
        try write("model: { replace: { head: { core.dense: { units: 4 } } } }\n", in: folder)
        try folder.lamina("init", "tune.yaml", "-o", "new.lamina").succeeded()
        let (before, after) = (try weights(folder, "base.lamina"), try weights(folder, "new.lamina"))
        #expect(after["head.weight"] != before["head.weight"] && after["second.weight"] == before["second.weight"])
    }

    @Test(
        "LoRA: few parameters, a small delta, as good as full training; merged it computes the same",
        .needs("Transformer"))
    func lowRank() throws {
        let folder = try folder()
        try write("", in: folder)
        try folder.lamina("train", "tune.yaml", "-o", "full.lamina").succeeded()
        try write(Self.low, epochs: 12, learningRate: 0.01, to: "lora.yaml", in: folder)
        let outcome = try folder.lamina("train", "lora.yaml", "-o", "lora.lamina").succeeded()
        #expect(outcome.errors.contains("training 3200 of 301188 parameters"), "\(outcome)")
        #expect(3200 * 50 <= 297988, "more than 2 % of the parameters")
        try folder.lamina("verify", "lora.lamina").succeeded()
        try folder.lamina("selftest", "lora.lamina").succeeded()
        let (low, full) = (try accuracy(folder, "lora.lamina"), try accuracy(folder, "full.lamina"))
        #expect(full > 0.9 && low >= full - 0.02, "full \(full), low rank \(low)")

        // Against the base as it is without what training it left there.
        try folder.lamina("repack", "base.lamina", "-o", "plain.lamina").succeeded()
        try folder.lamina("repack", "lora.lamina", "-o", "small.lamina", "--delta").succeeded()
        let (plain, small) = (try folder.bytes("plain.lamina").count, try folder.bytes("small.lamina").count)
        #expect(small * 20 < plain, "\(small) of \(plain) bytes")
        #expect(try Set(weights(folder, "small.lamina").keys.map { $0.suffix(6) }) == ["lora_A", "lora_B"])

        let adapted = try outputs(folder, "lora.lamina")
        let first = try outputs(folder, "base.lamina")
        #expect(adapted != first)
        #expect(try outputs(folder, "small.lamina") == adapted)
        // A base without training state is the same base.
        #expect(try outputs(folder, "lora.lamina", "--base", "plain.lamina") == adapted)
        try folder.lamina("repack", "lora.lamina", "-o", "whole.lamina").succeeded()
        let merging = try folder.lamina("repack", "lora.lamina", "-o", "merged.lamina", "--merge").succeeded()
        #expect(merging.errors.contains("folded 2: first.lora, second.lora"), "\(merging)")
        // Neither needs the base.
        try FileManager.default.moveItem(atPath: folder.path("base.lamina"), toPath: folder.path("gone.lamina"))
        #expect(try outputs(folder, "whole.lamina") == adapted)
        let merged = try outputs(folder, "merged.lamina")
        #expect(zip(merged, adapted).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(zip(merged, adapted).map { $0 - $1 })")
        #expect(merged != first)
        for name in ["whole.lamina", "merged.lamina"] {
            try folder.lamina("verify", name).succeeded()
            try folder.lamina("selftest", name).succeeded()
        }
        #expect(try weights(folder, "merged.lamina").keys.sorted() == weights(folder, "gone.lamina").keys.sorted())
        #expect(try accuracy(folder, "merged.lamina") == low)
    }

    @Test("a delta finds its base, and refuses another", .needs("Transformer"))
    func bases() throws {
        let folder = try folder()
        try FileManager.default.createDirectory(atPath: folder.path("models"), withIntermediateDirectories: true)
        try write(Self.low, epochs: 1, in: folder)
        try folder.lamina("train", "tune.yaml", "-o", "models/m.lamina").succeeded()
        let recorded = try ArchiveBytes(folder.bytes("models/m.lamina")).json("manifest.json")["base"]
        #expect(recorded?["file"] == "../base.lamina" && recorded?["name"] == "quadrants")
        let inspected = try folder.lamina("inspect", "models/m.lamina").succeeded()
        #expect(inspected.output.contains("differs from its base quadrants in models/../base.lamina"), "\(inspected)")
        let answer = try outputs(folder, "models/m.lamina")
        // Both moved elsewhere together.
        try FileManager.default.createDirectory(atPath: folder.path("elsewhere"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: folder.path("models/m.lamina"), toPath: folder.path("elsewhere/m.lamina"))
        try FileManager.default.moveItem(
            atPath: folder.path("base.lamina"), toPath: folder.path("elsewhere/base.lamina"))
        #expect(try outputs(folder, "elsewhere/m.lamina") == answer)
        // Nowhere, or under another name.
        for verb in ["verify", "selftest", "inspect", "eval"] {
            try folder.lamina(verb, "models/m.lamina").failed(
                6, saying: "models/m.lamina", "its base 'quadrants'", "models/../base.lamina", "--base")
        }
        try FileManager.default.moveItem(
            atPath: folder.path("elsewhere/base.lamina"), toPath: folder.path("other.lamina"))
        #expect(try outputs(folder, "models/m.lamina", "--base", "other.lamina") == answer)
        try folder.lamina("verify", "models/m.lamina", "--base", "other.lamina").succeeded()
        // Another base of the same shapes, by name and in the right place.
        try folder.lamina("init", "base.yaml", "-o", "base.lamina").succeeded()
        try folder.lamina("selftest", "models/m.lamina").failed(6, saying: "base.lamina", "wanted", "got")
        try folder.lamina("predict", "models/m.lamina", "new-test-images", "--base", "base.lamina")
            .failed(6, saying: "base.lamina", "wanted", "got")
        try folder.lamina("run", "other.lamina", "--input", "x.safetensors", "--output", "z", "--base", "base.lamina")
            .failed(6, saying: "based on no other")
        // Packed again by another program it is the same base.
        try folder.write(
            "import zipfile\na = zipfile.ZipFile('other.lamina')\nb = zipfile.ZipFile('zipped.lamina', 'w', "
                + "zipfile.ZIP_DEFLATED)\nfor n in reversed(a.namelist()): b.writestr(n, a.read(n))\nb.close()\n",
            "zip.py")
        let zipped = try Command(path: "/usr/bin/python3").run(["zip.py"], in: folder.path)
        try #require(zipped.status == 0, "\(zipped)")
        #expect(try outputs(folder, "models/m.lamina", "--base", "zipped.lamina", "--tolerant") == answer)
    }

    @Test("a resumed delta ends as an uninterrupted one", .needs("Transformer"))
    func resumed() throws {
        let folder = try folder()
        try write(Self.low, epochs: 4, in: folder)
        try folder.lamina("train", "tune.yaml", "-o", "once.lamina").succeeded()
        try folder.lamina("train", "tune.yaml", "-o", "twice.lamina", "--epochs", "2").succeeded()
        try folder.lamina("train", "tune.yaml", "-o", "twice.lamina", "--resume").succeeded()
        for entry in ["weights/model.safetensors", "state/optimizer.safetensors"] {
            #expect(
                try ArchiveBytes(folder.bytes("once.lamina")).content(entry)
                    == ArchiveBytes(folder.bytes("twice.lamina")).content(entry), "\(entry)")
        }
        // The resolved recipe is a recipe, with the base in it.
        try folder.lamina("train", "once.recipe.yaml", "-o", "resolved.lamina").succeeded()
        #expect(try weights(folder, "resolved.lamina") == weights(folder, "once.lamina"))
        // A delta is a base like any other.
        try folder.lamina("train", "tune.yaml", "-o", "third.lamina", "--from", "once.lamina", "--epochs", "1")
            .succeeded()
        #expect(try weights(folder, "third.lamina").keys.contains("first.lora_2.lora_A"))
        try folder.lamina("selftest", "third.lamina").succeeded()
        let merging = try folder.lamina("repack", "third.lamina", "-o", "flat.lamina", "--merge").succeeded()
        #expect(merging.errors.contains("folded 4"), "\(merging)")
        let (stacked, flat) = (try outputs(folder, "third.lamina"), try outputs(folder, "flat.lamina"))
        #expect(zip(stacked, flat).allSatisfy { abs($0 - $1) <= 1e-5 })
        // It is not to be written over what it needs.
        try folder.lamina("train", "tune.yaml", "-o", "base.lamina").failed(2, saying: "base.lamina")
        try folder.lamina("repack", "once.lamina", "-o", "base.lamina").failed(2, saying: "base.lamina")
        // Nor resumed with another base.
        try folder.lamina("train", "base.yaml", "-o", "new.lamina", "--epochs", "1", "--seed", "8").succeeded()
        try folder.lamina(
            "train", "tune.yaml", "-o", "once.lamina", "--resume", "--epochs", "5", "--from", "new.lamina"
        )
        .failed(6, afterProgress: true, saying: "new.lamina", "wanted", "got")
    }

    @Test("a model of texts keeps its vocabulary, which a delta leaves to its base")
    func texts() throws {
        let folder = try Folder()
        let words = [
            "good fine happy", "bad sad dull", "good good bad", "fine sad sad", "happy happy dull", "dull bad fine",
        ]
        func table(_ more: [String]) -> String {
            (["text\tmood"] + (words + more).enumerated().map { "\($1)\t\($0 % 2 == 0 ? "good" : "bad")" })
                .joined(separator: "\n") + "\n"
        }
        try folder.write(table([]), "old.tsv")
        // Words that the base has never seen would get ids of their own if a vocabulary were learned.
        try folder.write(table(["aardvark aardvark zebra", "zebra yak"]), "new.tsv")
        let rest = """
            loss: core.cross_entropy
            optimizer: { core.adam: { learning_rate: 0.02 } }
            train: { epochs: 2, batch: 4, seed: 3 }

            """
        try folder.write(
            """
            lamina: 1
            data:
              train: { reader: data.table, path: old.tsv, label: mood }
              text:
                text: { tokenizer: { data.words: { vocabulary: 40 } } }
            model:
              layers:
                - core.embedding: { count: 40, dimension: 8 }
                  name: embedding
                - core.reduce_mean: { axes: [1] }
                - core.dense: { units: 2 }
                  name: head
            \(rest)
            """, "base.yaml")
        try folder.lamina("train", "base.yaml", "-o", "base.lamina").succeeded()
        try folder.write(
            """
            lamina: 1
            from: base.lamina
            data:
              train: { reader: data.table, path: new.tsv, label: mood }
            model: { frozen: embedding.weight }
            \(rest)
            """, "tune.yaml")
        try folder.lamina("train", "tune.yaml", "-o", "m.lamina").succeeded()
        try folder.lamina("train", "tune.yaml", "-o", "whole.lamina", "--whole").succeeded()
        let (base, delta) = (try ArchiveBytes(folder.bytes("base.lamina")), try ArchiveBytes(folder.bytes("m.lamina")))
        let whole = try ArchiveBytes(folder.bytes("whole.lamina"))
        let asset = "assets/tokenizers/text.json"
        #expect(try whole.content(asset) == base.content(asset))
        #expect(!delta.names.contains(asset))
        #expect(try delta.tensors().tensors.keys.sorted() == ["head.bias", "head.weight"])
        for name in ["m.lamina", "whole.lamina"] {
            try folder.lamina("verify", name).succeeded()
            try folder.lamina("selftest", name).succeeded()
        }
        let sentence = "happy zebra"
        let answer = try folder.lamina("predict", "m.lamina", sentence).succeeded().output
        #expect(try folder.lamina("predict", "whole.lamina", sentence).succeeded().output == answer)
        try folder.lamina("repack", "m.lamina", "-o", "packed.lamina").succeeded()
        #expect(try ArchiveBytes(folder.bytes("packed.lamina")).content(asset) == base.content(asset))
        #expect(try folder.lamina("predict", "packed.lamina", sentence).succeeded().output == answer)
        // Resumed, the delta still has the vocabulary from its base.
        try folder.lamina("train", "tune.yaml", "-o", "m.lamina", "--resume", "--epochs", "3").succeeded()
        #expect(!(try ArchiveBytes(folder.bytes("m.lamina")).names.contains(asset)))
    }

    @Test("a language model is adapted within its blocks, and goes on to generate", .needs("Transformer"))
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

    @Test("what cannot begin is refused in a line")
    func mistakes() throws {
        let folder = try folder()
        func refuse(_ model: String, _ code: Int32, _ parts: String..., location: SourceLocation = #_sourceLocation)
            throws
        {
            try write(model, epochs: 1, in: folder)
            let outcome = try folder.lamina("train", "tune.yaml", "-o", "m.lamina")
            outcome.failed(code, afterProgress: true, location: location)
            for part in parts { #expect(outcome.errors.contains(part), "\(outcome)", sourceLocation: location) }
            #expect(!folder.exists("m.lamina"), sourceLocation: location)
        }
        try refuse("model: { frozen: [\"frist.*\"] }\n", 3, "tune.yaml:", "'frist.*'", "no parameter", "first.weight")
        try refuse("model: { frozen: [\"*\"] }\n", 3, "nothing would be trained", "6 parameters")
        try refuse("model: { replace: { haed: core.relu } }\n", 3, "no node 'haed'", "did you mean 'head'?")
        try refuse("model: { adapt: [ { core.relu: , to: [frist] } ] }\n", 3, "'frist'", "did you mean 'first'?")
        try refuse("model: { adapt: [ { core.relu: } ] }\n", 3, "'to'")
        try refuse("model: { input: [4] }\n", 3, "'input' goes with 'layers'")
        try refuse(
            "model:\n  input: [1, 8, 8]\n  layers: [ core.flatten, { core.dense: { units: 4 }, name: other } ]\n", 3,
            "nothing of it fits", "'first.weight' [512, 64]", "'other.weight' [4, 64]")
        try folder.lamina("train", "tune.yaml", "-o", "m.lamina", "--from", "none.lamina").failed(
            6, saying: "none.lamina")
        try folder.write(Array(try folder.bytes("base.lamina").dropLast(100)), "cut.lamina")
        try folder.lamina("train", "tune.yaml", "-o", "m.lamina", "--from", "cut.lamina").failed(
            6, saying: "cut.lamina")
        try folder.write("lamina: 1\nfrom: 5\n", "bad.yaml")
        try folder.lamina("train", "bad.yaml", "-o", "m.lamina").failed(3, saying: "bad.yaml:2", "'from'")
    }
}
