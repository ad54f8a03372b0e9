import Foundation
import FoundationXML
import LaminaFormats
import Testing

/// Training runs of the real command on small data.
@Suite("Training", .needs("Core", "Data", "CNN"))
struct TrainingTests {
    /// Everything that has state of its own: dropout, batch norm, Adam, a schedule, shuffling, accumulated gradients.
    static let recipe =
        "lamina: 1\nname: patterns\n" + Patterns.recipe + """
            model:
              input: [1, 8, 8]
              layers:
                - cnn.conv2d: { filters: 8, kernel: 3, padding: same }
                - core.batch_norm2d
                - core.relu
                - cnn.max_pool2d: { size: 2 }
                - core.flatten
                - core.dropout: { rate: 0.25 }
                - core.dense: { units: 4 }
            loss: core.cross_entropy
            optimizer:
              core.adam: { learning_rate: 0.01 }
              schedule: core.cosine
            metrics: [ core.accuracy, core.confusion_matrix ]
            train: { epochs: 4, batch: 16, seed: 5, accumulate: 2 }

            """

    private func folder(samples: Int = 240) throws -> Folder {
        let folder = try Patterns.folder(train: samples)
        try folder.write(Self.recipe, "r.yaml")
        return folder
    }

    private static func weights(_ folder: Folder, _ archive: String) throws -> [UInt8] {
        try ArchiveBytes(folder.bytes(archive)).content("weights/model.safetensors")
    }

    private static func history(_ folder: Folder, _ name: String) throws -> [JSON] {
        try folder.text(name).split(separator: "\n").map { try JSON.parse(String($0)) }
    }

    @Test("the loss falls, and everything beside the model is well-formed")
    func files() throws {
        let folder = try folder()
        let outcome = try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "8").succeeded()
        #expect(outcome.output.isEmpty, "results only on standard output: \(outcome)")
        let rows = try Self.history(folder, "m.history.jsonl")
        #expect(rows.count == 8)
        func column(_ name: String) throws -> [Double] {
            try rows.map { try Double(json: #require($0[name]), at: name) }
        }
        #expect(try column("epoch") == (1...8).map(Double.init))
        let losses = try column("train_loss")
        #expect(losses.last! < 0.5 * losses[0], "\(losses)")
        let accuracy = try column("test_accuracy").last!
        #expect(accuracy > 0.8, "\(accuracy)")

        let lines = try folder.text("m.history.csv").split(separator: "\n").map {
            $0.split(separator: ",").map(String.init)
        }
        try #require(lines.count == 9 && lines.allSatisfy { $0.count == lines[0].count }, "\(lines)")
        let position = try #require(lines[0].firstIndex(of: "test_accuracy"))
        #expect(Double(lines[8][position]) == accuracy)
        for name in ["m.curves.svg", "m.confusion.svg"] {
            let parser = XML()
            #expect(parser.read(try folder.data(name)) == "svg", "\(name): \(parser.fault ?? "another root")")
        }
        let confusion = try folder.text("m.confusion.svg")
        for label in Patterns.classes { #expect(confusion.contains(label)) }
        let events = try FileManager.default.contentsOfDirectory(atPath: folder.path("m.tensorboard"))
        #expect(events.contains { $0.contains("tfevents") }, "\(events)")
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()
    }

    @Test("the resolved recipe trains to the same weights")
    func resolvedRecipe() throws {
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "a.lamina", "--set", "train.batch=20", "--epochs", "2").succeeded()
        try folder.lamina("train", "a.recipe.yaml", "-o", "b.lamina").succeeded()
        #expect(try Self.weights(folder, "a.lamina") == Self.weights(folder, "b.lamina"))
        #expect(try folder.text("a.recipe.yaml") == folder.text("b.recipe.yaml"))
    }

    @Test("one seed gives one result, on one thread or two; another seed another")
    func determinism() throws {
        let folder = try folder()
        let runs = [
            ("a", ["--threads", "1"]), ("b", ["--threads", "1"]), ("c", ["--threads", "2"]), ("d", ["--seed", "6"]),
        ]
        for (name, options) in runs {
            try folder.lamina(["train", "r.yaml", "-o", name + ".lamina", "--epochs", "2"] + options).succeeded()
        }
        let (first, archive) = (try Self.weights(folder, "a.lamina"), try ArchiveBytes(folder.bytes("a.lamina")))
        #expect(try Self.weights(folder, "b.lamina") == first)
        #expect(try Self.weights(folder, "c.lamina") == first, "two threads")
        #expect(try Self.weights(folder, "d.lamina") != first, "another seed")
        // The optimizer's state and the recorded case too.
        for entry in archive.names where entry.hasSuffix(".safetensors") {
            #expect(try ArchiveBytes(folder.bytes("c.lamina")).content(entry) == archive.content(entry), "\(entry)")
        }
    }

    @Test("an interrupted and resumed run ends with the weights of an uninterrupted one")
    func resume() throws {
        // Seconds of training, so that a loaded machine too notices in time where it is.
        let folder = try folder(samples: 3000)
        let options = ["--epochs", "120"]
        try folder.lamina(["train", "r.yaml", "-o", "whole.lamina"] + options).succeeded()

        for (resumes, mark) in [(false, 2), (true, 30)] {
            let more = resumes ? ["--resume"] : []
            let run = try Command.find().start(["train", "r.yaml", "-o", "m.lamina"] + options + more, in: folder.path)
            try run.waitForErrors(containing: "epoch \(mark)/120")
            // Into the middle of an epoch, most of the time.
            usleep(5000)
            run.interrupt()
            let outcome = try run.finish()
            try #require(outcome.status == 130, "\(outcome)")
            #expect(outcome.output.isEmpty)
            let last = try #require(outcome.errors.split(separator: "\n").last)
            #expect(last.hasPrefix("interrupted after epoch "), "\(outcome)")
            #expect(last.contains("resume with: lamina train r.yaml -o m.lamina --resume --epochs 120"), "\(outcome)")
            try folder.lamina("verify", "m.lamina").succeeded()
            let state = try ArchiveBytes(folder.bytes("m.lamina")).json("state/trainer.json")
            #expect(try (mark..<120).contains(Int(json: #require(state["epoch"]), at: "epoch")), "\(state)")
            // What an interrupted run leaves is a model that can be used.
            try folder.lamina("selftest", "m.lamina").succeeded()
        }
        try folder.lamina(["train", "r.yaml", "-o", "m.lamina", "--resume"] + options).succeeded()

        let whole = try ArchiveBytes(folder.bytes("whole.lamina"))
        let resumed = try ArchiveBytes(folder.bytes("m.lamina"))
        for entry in ["weights/model.safetensors", "state/optimizer.safetensors"] {
            #expect(try whole.content(entry) == resumed.content(entry), "\(entry)")
        }
        // The history goes on where it stopped; only the times differ.
        let (a, b) = (try Self.history(folder, "whole.history.jsonl"), try Self.history(folder, "m.history.jsonl"))
        #expect(a.count == 120 && b.count == 120)
        for (left, right) in zip(a, b) {
            for key in ["epoch", "step", "train_loss", "test_loss", "test_accuracy", "learning_rate_factor"] {
                #expect(left[key] != nil && left[key] == right[key], "\(key)")
            }
        }
    }

    @Test("what cannot change on resuming is refused")
    func resumeRefusals() throws {
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "1").succeeded()
        let before = try folder.data("m.lamina")
        let train = ["train", "r.yaml", "-o", "m.lamina", "--resume", "--epochs", "2"]
        try folder.lamina(train + ["--seed", "9"]).failed(3, saying: "seed")
        try folder.lamina(train + ["--set", "model.layers[6].core.dense.units=5"]).failed(3, saying: "layers")
        try folder.lamina(train + ["--set", "train.shuffle=false"]).failed(3, saying: "train.shuffle=true")
        try folder.lamina(train + ["--set", "train.validate=0.5"]).failed(3, saying: "validate")
        try folder.lamina("init", "r.yaml", "-o", "fresh.lamina").succeeded()
        try folder.lamina("train", "r.yaml", "-o", "fresh.lamina", "--resume").failed(2, saying: "fresh.lamina")
        try folder.lamina("train", "r.yaml", "-o", "none.lamina", "--resume").failed(6, saying: "none.lamina")
        // Sums and hashes agree, the state does not say what it must.
        var damaged = try ArchiveBytes(folder.bytes("m.lamina"))
        let state = String(decoding: try damaged.content("state/trainer.json"), as: UTF8.self)
        let other = state.replacingOccurrences(of: "\"batch_in_epoch\"", with: "\"batch_in_spoch\"")
        try #require(other != state)
        try damaged.forge("state/trainer.json", Array(other.utf8))
        try folder.write(damaged.bytes, "damaged.lamina")
        try folder.lamina("train", "r.yaml", "-o", "damaged.lamina", "--resume")
            .failed(6, saying: "damaged.lamina", "batch_in_epoch")
        #expect(try folder.data("m.lamina") == before, "a refused run leaves the archive as it was")
    }

    @Test("another setting of the optimizer is honoured on resuming, and said")
    func resumedOptimizer() throws {
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "1").succeeded()
        let train = ["train", "r.yaml", "-o", "m.lamina", "--resume"]
        let same = try folder.lamina(train + ["--epochs", "2"]).succeeded()
        #expect(!same.errors.contains("warning"), "\(same)")
        let other = try folder.lamina(
            train + [
                "--epochs", "3", "--set", "optimizer.core.adam.learning_rate=0.02", "--set", "optimizer.clip_norm=1",
            ]
        ).succeeded()
        let warning = try #require(other.errors.split(separator: "\n").first { $0.hasPrefix("warning: ") })
        #expect(
            warning.contains("not set as in the checkpoint: core.adam.learning_rate 0.01 → 0.02, clip_norm none → 1"))
        // It is what the next checkpoint was trained with.
        let warned = try folder.lamina(train + ["--epochs", "4"]).succeeded().errors
        #expect(warned.contains("core.adam.learning_rate 0.02 → 0.01"), "\(warned)")
    }

    @Test("the second interruption ends the process as a signal does, and promises nothing")
    func twoInterruptions() throws {
        let folder = try folder(samples: 3000)
        let run = try folder.start(
            "train", "r.yaml", "-o", "m.lamina", "--epochs", "5000", "--set", "train.batch=3000")
        try run.waitForErrors(containing: "epoch 1/5000")
        run.interrupt()
        run.interrupt()
        let outcome = try run.finish()
        // The first may have been answered in time.
        #expect(outcome.status == -SIGINT || outcome.status == 130, "\(outcome)")
        #expect(outcome.errors.contains("resume with") == (outcome.status == 130), "\(outcome)")
    }

    @Test("what cannot be written is said before training: 4")
    func unwritable() throws {
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "no/such/m.lamina").failed(4, saying: "no/such/m.lamina")
        try folder.lamina("init", "r.yaml", "-o", "no/such/m.lamina").failed(4, saying: "no/such/m.lamina")
        try folder.lamina("train", "r.yaml", "-o", folder.path).failed(4, saying: "folder")
    }

    @Test("numbers beyond all bounds: 3")
    func bounds() throws {
        let folder = try folder()
        for name in ["epochs", "batch", "accumulate", "threads", "checkpoint_every"] {
            try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--set", "train.\(name)=9223372036854775807")
                .failed(3, saying: name, "to")
        }
    }

    @Test("early stopping ends a run that gets no better")
    func earlyStopping() throws {
        let folder = try folder()
        // No learning at all: the first epoch stays the best one.
        let settings = [
            "train.validate=0.2", "train.early_stopping.patience=2", "optimizer.core.adam.learning_rate=0.0",
        ].flatMap { ["--set", $0] }
        let outcome = try folder.lamina(["train", "r.yaml", "-o", "m.lamina", "--epochs", "50"] + settings).succeeded()
        #expect(outcome.errors.contains("stopped early"), "\(outcome)")
        let rows = try Self.history(folder, "m.history.jsonl")
        #expect(rows.count < 20, "\(rows.count) epochs")
        #expect(rows.allSatisfy { $0["validation_loss"] != nil })
    }

    @Test("eval agrees with the training's last evaluation")
    func evaluation() throws {
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "3").succeeded()
        let last = try #require(try Self.history(folder, "m.history.jsonl").last)
        let result = try folder.lamina("eval", "m.lamina", "--format", "json").json()
        #expect(result["samples"] == 80)
        #expect(result["loss"] == last["test_loss"])
        #expect(result["metrics"]?["accuracy"] == last["test_accuracy"])
        guard case .object(let matrices) = result["matrices"], let matrix = matrices.members.first?.value else {
            Issue.record("no confusion matrix in \(result)")
            return
        }
        let counts = try [[Double]](json: matrix, at: "matrix")
        #expect(counts.count == 4 && counts.joined().reduce(0, +) == 80)
        let right = (0..<4).reduce(0) { $0 + counts[$1][$1] }
        #expect(try Double(json: #require(last["test_accuracy"]), at: "") == right / 80)
        // In portions of another size only the rounding of the mean loss differs.
        let other = try folder.lamina("eval", "m.lamina", "--batch", "7", "--format", "json").json()
        #expect(other["metrics"]?["accuracy"] == result["metrics"]?["accuracy"])
        let losses = try [other, result].map { try Double(json: #require($0["loss"]), at: "loss") }
        #expect(abs(losses[0] - losses[1]) < 1e-5 * losses[1])
    }

    @Test("a table of numbers and classes")
    func table() throws {
        let folder = try Folder()
        try folder.write(speciesTable(count: 150, seed: 1), "train.csv")
        try folder.write(speciesTable(count: 30, seed: 2), "test.csv")
        try folder.write(
            """
            lamina: 1
            name: species
            data:
              train: { reader: data.csv, path: train.csv, target: species }
              test: { reader: data.csv, path: test.csv, target: species }
            model:
              input: [2]
              layers:
                - core.dense: { units: 8 }
                - core.tanh
                - core.dense: { units: 3 }
            loss: core.cross_entropy
            optimizer: { core.adam: { learning_rate: 0.05 } }
            metrics: [ core.accuracy ]
            train: { epochs: 12, batch: 16, seed: 1 }

            """, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        let rows = try Self.history(folder, "m.history.jsonl")
        #expect(try Double(json: #require(rows.last?["test_accuracy"]), at: "") > 0.9)
        // Names of the classes come from the data. Rows to predict hold the inputs alone.
        try folder.write("length,width\n0.1,1.9\n1.9,0.1\n", "new.csv")
        let answers = try [JSON](
            json: folder.lamina("predict", "m.lamina", "new.csv", "--format", "json").json(), at: "")
        #expect(answers.map { $0["classes"]?[0]?["label"] } == ["x", "z"])
        #expect(answers.map { $0["source"] } == ["new.csv:1", "new.csv:2"])
    }
}

/// Whether XML is well-formed, and what its root element is.
private final class XML: NSObject, XMLParserDelegate {
    private var root: String?
    private(set) var fault: String?

    func read(_ data: Data) -> String? {
        let parser = XMLParser(data: data)
        parser.delegate = self
        if !parser.parse() {
            fault = "\(parser.parserError.map { "\($0)" } ?? "unknown"), line \(parser.lineNumber)"
            return nil
        }
        return root
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        root = root ?? name
    }
}
