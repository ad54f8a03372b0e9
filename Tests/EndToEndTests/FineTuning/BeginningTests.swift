import Foundation
import LaminaFormats
import Testing

/// Training that begins with an archive: all of it, a part, new layers in the place of old ones; what it refuses.
@Suite("Beginning with an archive", .needs("Core", "Data"))
struct BeginningTests {
    @Test("without a model of its own, a recipe trains on with the base's, whole")
    func full() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try tuned.write("", epochs: 1)
        let outcome = try folder.lamina("train", "tune.yaml", "-o", "full.lamina").succeeded()
        #expect(outcome.errors.contains("6 of 6 tensors begin with the values of"), "\(outcome)")
        let (before, after) = (try tuned.weights("base.lamina"), try tuned.weights("full.lamina"))
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
        _ = try tuned.accuracy("full.lamina")
        // The flag is relative to the working directory, and wins.
        try folder.lamina("train", "base.yaml", "-o", "again.lamina", "--from", "full.lamina", "--epochs", "1")
            .succeeded()
        #expect(try tuned.weights("again.lamina") != after)
    }

    @Test("a network of its own takes what fits, and says what does not")
    func partly() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        let wider = TunedFolder.layers.replacingOccurrences(of: "units: 4 }", with: "units: 5 }")
            .replacingOccurrences(of: "name: second", with: "name: other")
        try folder.write(
            "lamina: 1\nfrom: base.lamina\n" + wider + "train: { seed: 77 }\n", "tune.yaml")
        let outcome = try folder.lamina("init", "tune.yaml", "-o", "m.lamina").succeeded()
        #expect(
            outcome.errors.contains(
                "2 of 6 tensors begin with the values of \(folder.path)/base.lamina; new: other.weight, other.bias; of "
                    + "another shape: head.weight [5, 512], there [4, 512], head.bias [5], there [4]"), "\(outcome)")
        let (before, after) = (try tuned.weights("base.lamina"), try tuned.weights("m.lamina"))
        #expect(after["first.weight"] == before["first.weight"] && after["first.bias"] == before["first.bias"])
        #expect(after["other.weight"]?.floats != before["second.weight"]?.floats)
    }

    @Test("a new head takes the place of the old one and trains alone")
    func replaced() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        try tuned.write(
            "model: { replace: { head: { core.dense: { units: 6 } } }, frozen: [\"first.*\", \"second.*\"] }\n",
            epochs: 4)
        let outcome = try folder.lamina("train", "tune.yaml", "-o", "m.lamina").succeeded()
        #expect(outcome.errors.contains("4 of 6 tensors begin with"), "\(outcome)")
        let trained = try tuned.weights("m.lamina")
        #expect(trained["head.weight"]?.shape == [6, 512] && trained.count == 2)
        try folder.lamina("selftest", "m.lamina").succeeded()
        // One of the same shape begins anew all the same.
        try tuned.write("model: { replace: { head: { core.dense: { units: 4 } } } }\n")
        try folder.lamina("init", "tune.yaml", "-o", "new.lamina").succeeded()
        let (before, after) = (try tuned.weights("base.lamina"), try tuned.weights("new.lamina"))
        #expect(after["head.weight"] != before["head.weight"] && after["second.weight"] == before["second.weight"])
    }

    @Test("layers near the input may learn more slowly, which the command says")
    func layerDecay() throws {
        let tuned = try TunedFolder(epochs: 1)
        let folder = tuned.folder
        try tuned.write("", epochs: 1)
        let decay = ["--set", "optimizer.layer_decay=0.5"]
        let outcome = try folder.lamina(["train", "tune.yaml", "-o", "m.lamina"] + decay).succeeded()
        #expect(
            outcome.errors.contains(
                "layer_decay 0.5: learning rates in 3 steps, from × 1.0000 of head.weight and 1 more to × 0.2500 of "
                    + "first.weight and 1 more"), "\(outcome)")
        // The resolved recipe is a recipe, with the decay in it.
        try folder.lamina("train", "m.recipe.yaml", "-o", "again.lamina").succeeded()
        #expect(try tuned.weights("again.lamina") == tuned.weights("m.lamina"))
        let resumed = try folder.lamina("train", "tune.yaml", "-o", "m.lamina", "--resume", "--epochs", "2").succeeded()
        #expect(resumed.errors.contains("layer_decay 0.5 → none"), "\(resumed)")
        #expect(!resumed.errors.contains("learning rates in"))
        try folder.lamina("train", "tune.yaml", "-o", "n.lamina", "--set", "optimizer.layer_decay=1.5").failed(
            3, saying: "'layer_decay': wanted a number > 0 and <= 1, got 1.5")
    }

    @Test("what cannot begin is refused in a line")
    func mistakes() throws {
        let tuned = try TunedFolder()
        let folder = tuned.folder
        func refuse(_ model: String, _ code: Int32, _ parts: String..., location: SourceLocation = #_sourceLocation)
            throws
        {
            try tuned.write(model, epochs: 1)
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
