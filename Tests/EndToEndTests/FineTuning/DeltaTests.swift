import Foundation
import LaminaFormats
import Testing

/// Archives that hold what differs from a base: what is in them, where they find it, how they are resumed.
@Suite("Deltas", .needs("Core", "Data"))
struct DeltaTests {
    @Test("frozen parameters stay, have no state, and are not in the delta")
    func frozen() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try tuned.write("model: { frozen: [\"first.*\", second.weight] }\n", epochs: 2)
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
        let (before, whole) = (try tuned.weights("base.lamina"), try tuned.weights("whole.lamina"))
        for name in ["first.weight", "first.bias", "second.weight"] { #expect(whole[name] == before[name], "\(name)") }
        for (name, tensor) in try tuned.weights("m.lamina") { #expect(whole[name] == tensor, "\(name)") }
        #expect(try tuned.outputs("m.lamina") == tuned.outputs("whole.lamina"))
        // A recipe without a base may freeze, too.
        try folder.write(
            "lamina: 1\n" + Patterns.recipe + TunedFolder.layers + "  frozen: \"first.*\"\n"
                + TunedFolder.rest(epochs: 1), "own.yaml"
        )
        try folder.lamina("train", "own.yaml", "-o", "own.lamina").succeeded()
        try folder.lamina("init", "own.yaml", "-o", "initial.lamina").succeeded()
        let (own, initial) = (try tuned.weights("own.lamina"), try tuned.weights("initial.lamina"))
        #expect(own["first.weight"] == initial["first.weight"] && own["head.weight"] != initial["head.weight"])
    }

    @Test("a delta finds its base, and refuses another", .needs("Transformer"))
    func bases() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try FileManager.default.createDirectory(atPath: folder.path("models"), withIntermediateDirectories: true)
        try tuned.write(TunedFolder.low, epochs: 1)
        try folder.lamina("train", "tune.yaml", "-o", "models/m.lamina").succeeded()
        let recorded = try ArchiveBytes(folder.bytes("models/m.lamina")).json("manifest.json")["base"]
        #expect(recorded?["file"] == "../base.lamina" && recorded?["name"] == "quadrants")
        let inspected = try folder.lamina("inspect", "models/m.lamina").succeeded()
        #expect(inspected.output.contains("differs from its base quadrants in models/../base.lamina"), "\(inspected)")
        let answer = try tuned.outputs("models/m.lamina")
        // Both moved elsewhere together.
        try FileManager.default.createDirectory(atPath: folder.path("elsewhere"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: folder.path("models/m.lamina"), toPath: folder.path("elsewhere/m.lamina"))
        try FileManager.default.moveItem(
            atPath: folder.path("base.lamina"), toPath: folder.path("elsewhere/base.lamina"))
        #expect(try tuned.outputs("elsewhere/m.lamina") == answer)
        // Nowhere, or under another name.
        for verb in ["verify", "selftest", "inspect", "eval"] {
            try folder.lamina(verb, "models/m.lamina").failed(
                6, saying: "models/m.lamina", "its base 'quadrants'", "models/../base.lamina", "--base")
        }
        try FileManager.default.moveItem(
            atPath: folder.path("elsewhere/base.lamina"), toPath: folder.path("other.lamina"))
        #expect(try tuned.outputs("models/m.lamina", "--base", "other.lamina") == answer)
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
        #expect(try tuned.outputs("models/m.lamina", "--base", "zipped.lamina", "--tolerant") == answer)
    }

    @Test("a resumed delta ends as an uninterrupted one", .needs("Transformer"))
    func resumed() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try tuned.write(TunedFolder.low, epochs: 4)
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
        #expect(try tuned.weights("resolved.lamina") == tuned.weights("once.lamina"))
        // A delta is a base like any other.
        try folder.lamina("train", "tune.yaml", "-o", "third.lamina", "--from", "once.lamina", "--epochs", "1")
            .succeeded()
        #expect(try tuned.weights("third.lamina").keys.contains("first.lora_2.lora_A"))
        try folder.lamina("selftest", "third.lamina").succeeded()
        let merging = try folder.lamina("repack", "third.lamina", "-o", "flat.lamina", "--merge").succeeded()
        #expect(merging.errors.contains("folded 4"), "\(merging)")
        let (stacked, flat) = (try tuned.outputs("third.lamina"), try tuned.outputs("flat.lamina"))
        #expect(zip(stacked, flat).allSatisfy { abs($0 - $1) <= 1e-5 })
        // It is not to be written over what it needs, however far down.
        try folder.lamina("train", "tune.yaml", "-o", "base.lamina").failed(2, saying: "base.lamina")
        try folder.lamina("repack", "once.lamina", "-o", "base.lamina").failed(2, saying: "base.lamina")
        for command in [["train", "tune.yaml", "--whole"], ["train", "tune.yaml"], ["init", "tune.yaml"]] {
            try folder.lamina(command[0], command[1], "--from", "once.lamina", "-o", "base.lamina").failed(
                2, saying: "written over", "base.lamina")
        }
        try folder.lamina("repack", "third.lamina", "-o", "base.lamina").failed(2, saying: "written over")
        try folder.lamina("repack", "once.lamina", "-o", "once.lamina").failed(2, saying: "choose another name")
        try folder.lamina("verify", "third.lamina").succeeded()
        // Nor resumed with other parameters frozen.
        let more = TunedFolder.low + "  frozen: [ \"first.weight\", \"first.bias\", \"second.*\", \"head.weight\" ]\n"
        try tuned.write(more, epochs: 5)
        try folder.lamina("train", "tune.yaml", "-o", "once.lamina", "--resume").failed(
            3, afterProgress: true, saying: "'model.frozen'")
        try tuned.write(TunedFolder.low, epochs: 4)
        // Nor resumed with another base.
        try folder.lamina("train", "base.yaml", "-o", "new.lamina", "--epochs", "1", "--seed", "8").succeeded()
        try folder.lamina(
            "train", "tune.yaml", "-o", "once.lamina", "--resume", "--epochs", "5", "--from", "new.lamina"
        )
        .failed(6, afterProgress: true, saying: "new.lamina", "wanted", "got")
    }

    @Test("a damaged base is neither trained on nor packed again", .needs("Transformer"))
    func damaged() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try tuned.write(TunedFolder.low, epochs: 1)
        try folder.lamina("train", "tune.yaml", "-o", "m.lamina").succeeded()
        // The training state is left out, so that weights are what is hit.
        try folder.lamina("repack", "base.lamina", "-o", "small.lamina").succeeded()
        var bytes = try folder.bytes("small.lamina")
        bytes[bytes.count / 2] ^= 1
        try folder.write(bytes, "base.lamina")
        try folder.lamina("train", "tune.yaml", "-o", "n.lamina").failed(
            6, saying: "base.lamina", "damaged")
        try folder.lamina("repack", "base.lamina", "-o", "n.lamina").failed(6, saying: "base.lamina", "damaged")
        try folder.lamina("repack", "m.lamina", "-o", "n.lamina").failed(6, saying: "base.lamina", "damaged")
        #expect(!FileManager.default.fileExists(atPath: folder.path("n.lamina")))
    }

    @Test("a delta behind a symbolic link lies where the link leads", .needs("Transformer"))
    func links() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try tuned.write(TunedFolder.low, epochs: 1)
        for name in ["store", "links"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        }
        try folder.lamina("train", "tune.yaml", "-o", "store/m.lamina").succeeded()
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("links/now.lamina"), withDestinationPath: "../store/m.lamina")
        #expect(try tuned.outputs("links/now.lamina") == tuned.outputs("store/m.lamina"))
        // Written through the link, it lies there again.
        try folder.lamina("train", "tune.yaml", "-o", "links/now.lamina", "--resume", "--epochs", "2").succeeded()
        let recorded = try ArchiveBytes(folder.bytes("store/m.lamina")).json("manifest.json")["base"]
        #expect(recorded?["file"] == "../base.lamina")
        try folder.lamina("verify", "store/m.lamina").succeeded()
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
}
