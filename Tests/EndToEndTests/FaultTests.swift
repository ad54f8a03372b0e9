import Foundation
import LaminaFormats
import Testing

/// What goes wrong: each ends in its documented exit code and one clear line, and nothing on standard output.
@Suite("Faults", .needs("Core", "Data", "CNN"))
struct FaultTests {
    private func folder(_ edit: (String) -> String = { $0 }) throws -> Folder {
        let folder = try Patterns.folder(train: 40, test: 20)
        let recipe = edit(TrainingTests.recipe)
        try folder.write(recipe, "r.yaml")
        return folder
    }

    private func train(_ folder: Folder) throws -> Outcome { try folder.lamina("train", "r.yaml", "-o", "m.lamina") }

    // MARK: 2, usage

    @Test("wrong usage: 2")
    func usage() throws {
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epoch", "3").failed(2, saying: "--epoch")
        try folder.lamina("train", "r.yaml").failed(2, saying: "--output")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "many").failed(2, saying: "many")
        try folder.lamina("trane").failed(2, saying: "trane")
        try folder.lamina("eval", "m.lamina", "--batch", "0").failed(2, saying: "--batch")
        try folder.lamina("eval", "m.lamina", "--threads", "0").failed(2, saying: "--threads")
        try folder.lamina("predict", "m.lamina", "x.png", "--format", "xml").failed(2, saying: "xml")
        #expect(!folder.exists("m.lamina"))
    }

    @Test("where nothing can be written: before any work")
    func output() throws {
        let folder = try folder()
        try FileManager.default.createDirectory(atPath: folder.path("taken.lamina"), withIntermediateDirectories: false)
        for path in ["taken.lamina", "nowhere/m.lamina"] {
            try folder.lamina("train", "r.yaml", "-o", path).failed(4, saying: path)
        }
        let full = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
        try Command.find().start(["schema"], in: folder.path, output: full).finish()
            .failed(4, saying: "cannot write to standard output")
    }

    // MARK: 3, recipes

    @Test("a wrong key in a recipe: 3, with its place and what was meant")
    func unknownKeys() throws {
        let cases: [(old: String, new: String, place: String, hint: String)] = [
            ("metrics:", "metrix:", "r.yaml:22:1: ", "metrics"),
            ("filters: 8", "filter: 8", "r.yaml:11:21: ", "filters"),
            ("core.relu", "core.rleu", "r.yaml:13:7: ", "core.relu"),
            ("epochs: 4", "epoch: 4", "r.yaml:23:10: ", "epochs"),
        ]
        for (old, new, place, hint) in cases {
            let folder = try folder { $0.replacingOccurrences(of: old, with: new) }
            try train(folder).failed(3, saying: "error: " + place, hint, "did you mean")
        }
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--set", "train.epoch=2")
            .failed(3, saying: "--set train.epoch=2", "epochs")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--set", "train.threads=100000")
            .failed(3, saying: "threads", "1024")
        try folder.lamina("train", "gone.yaml", "-o", "m.lamina").failed(3, saying: "gone.yaml")
    }

    @Test("wrong values and YAML that is none: 3")
    func values() throws {
        for (old, new, hint) in [
            ("filters: 8", "filters: 0", "filters"), ("rate: 0.25", "rate: 2", "rate"),
            ("kernel: 3", "kernel: big", "kernel"),
            ("epochs: 4", "epochs: -1", "epochs"), ("model:", "model: [", "r.yaml:"),
            ("lamina: 1", "lamina: 7", "lamina"),
        ] {
            let folder = try folder { $0.replacingOccurrences(of: old, with: new) }
            try train(folder).failed(3, saying: "error: r.yaml:", hint)
        }
    }

    @Test("layers that do not fit together: 3, with the node, what it got and what it wants")
    func shapes() throws {
        var folder = try folder {
            $0.replacingOccurrences(of: "- core.flatten\n", with: "- cnn.conv1d: { filters: 2, kernel: 3 }\n")
        }
        try train(folder).failed(3, saying: "conv1d_1", "[N, 8, 4, 4]")
        folder = try self.folder {
            $0.replacingOccurrences(of: "kernel: 3, padding: same", with: "kernel: 11, padding: valid")
        }
        try train(folder).failed(3, saying: "conv2d_1", "11")
    }

    @Test("samples of another shape than the model's input: 3 or 4, with both shapes")
    func sampleShape() throws {
        let folder = try folder { $0.replacingOccurrences(of: "input: [1, 8, 8]", with: "input: [1, 12, 12]") }
        let outcome = try train(folder)
        #expect(outcome.status == 3 || outcome.status == 4, "\(outcome)")
        outcome.failed(outcome.status, saying: "[1, 8, 8]", "12")
    }

    // MARK: 4, data

    @Test("a missing or damaged dataset: 4, with the file")
    func data() throws {
        let folder = try folder()
        let whole = try folder.bytes("train-images")
        let faults: [(String, [UInt8]?)] = [
            ("it is missing", nil), ("empty", []), ("inside the header", Array(whole[..<9])),
            ("inside an image", Array(whole[..<(whole.count - 30)])), ("with more behind it", whole + [1]),
            ("no IDX file", Array("hello, I am a text".utf8)), ("gzip cut off", Array(gzip(whole)[..<900])),
            ("gzip cut in its header", Array(gzip(whole)[..<5])),
            ("gzip without its sums", Array(gzip(whole).dropLast(8))),
            ("gzip with a flipped bit", flipped(gzip(whole), at: 1000)),
            ("fewer images than labels", idx([39, 8, 8], Array(whole[16...].dropLast(64)))),
        ]
        for (what, bytes) in faults {
            if let bytes {
                try folder.write(bytes, "train-images")
            } else {
                try FileManager.default.removeItem(atPath: folder.path("train-images"))
            }
            let outcome = try train(folder)
            #expect(outcome.status == 4, "\(what)")
            outcome.failed(4, saying: "train-images")
        }
        try folder.write(gzip(whole), "train-images")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "1").succeeded()
        try folder.write([UInt8](repeating: 200, count: 28), "train-labels")
        try train(folder).failed(4, saying: "train-labels")
    }

    @Test("more classes in the data than outputs of the model: 4, with the label and how many there may be")
    func labels() throws {
        let folder = try folder { $0.replacingOccurrences(of: "units: 4", with: "units: 3") }
        try train(folder).failed(4, afterProgress: true, saying: "label 3", "3 classes")
        let other = try self.folder()
        try other.write(idx([40], [UInt8](repeating: 200, count: 40)), "train-labels")
        try train(other).failed(4, afterProgress: true, saying: "label 200", "4 classes")
    }

    private func flipped(_ bytes: [UInt8], at place: Int) -> [UInt8] {
        var bytes = bytes
        bytes[place] ^= 0x10
        return bytes
    }

    @Test("raw tensors that the model does not take: 4")
    func rawTensors() throws {
        let folder = try folder()
        try folder.lamina("init", "r.yaml", "-o", "m.lamina").succeeded()
        func run(_ floats: [(name: String, shape: [Int], values: [Float])]) throws -> Outcome {
            try TensorFile.write(floats, to: folder.path("x.safetensors"))
            return try folder.lamina("run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors")
        }
        let image = noise(64, seed: 1)
        try run([("input", [1, 1, 8, 8], image)]).succeeded()
        try FileManager.default.removeItem(atPath: folder.path("y.safetensors"))
        try run([("x", [1, 1, 8, 8], image)]).failed(4, saying: "'x'", "input")
        try run([]).failed(4, saying: "'input' is missing")
        try run([("input", [1, 1, 4, 16], image)]).failed(4, saying: "input", "[1, 1, 4, 16]")
        try run([("input", [1, 64], image)]).failed(4, saying: "input", "[1, 64]")
        try TensorFile.write(
            [], integers: [("input", [1, 1, 8, 8], [Int64](repeating: 0, count: 64))], to: folder.path("x.safetensors"))
        try folder.lamina("run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors").failed(
            4, saying: "int64")
        try folder.write(Array(folder.bytes("x.safetensors").dropLast(9)), "x.safetensors")
        try folder.lamina("run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors").failed(
            4, saying: "x.safetensors")
        try folder.lamina("run", "m.lamina", "--input", "gone", "--output", "y.safetensors").failed(4, saying: "gone")
        #expect(!folder.exists("y.safetensors"))
    }

    // MARK: 7, divergence

    @Test("a loss that is no number: 7, with the first node that made it; an earlier archive stays")
    func divergence() throws {
        let folder = try folder()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "1").succeeded()
        let before = try folder.data("m.lamina")
        // Squares of outputs grow beyond all floats in a few steps.
        let settings = ["--set", "optimizer={core.sgd: {learning_rate: 1.0e+20}}", "--epochs", "5"]
        let outcome = try folder.lamina(["train", "r.yaml", "-o", "m.lamina"] + settings)
        outcome.failed(7, afterProgress: true, saying: "training diverged at epoch 1, step ")
        let line = try #require(outcome.errors.split(separator: "\n").last)
        let node = try #require(line.firstMatch(of: /first value that is not finite is in (.*?);/)?.1)
        #expect(node.contains("conv2d_1") || node.contains("dense_1") || node.contains("batch_norm2d_1"), "\(outcome)")
        #expect(try folder.data("m.lamina") == before)
    }

    // MARK: 6 and 8, archives

    @Test("a damaged archive: 6")
    func damagedArchives() throws {
        let folder = try folder()
        try folder.lamina("init", "r.yaml", "-o", "m.lamina").succeeded()
        let whole = try folder.bytes("m.lamina")
        for length in [0, 10, 100, whole.count / 2, whole.count - 1] {
            try folder.write(Array(whole[..<length]), "cut.lamina")
            for verb in ["inspect", "verify", "selftest"] {
                try folder.lamina(verb, "cut.lamina").failed(6, saying: "cut.lamina")
            }
        }
        try folder.write("not an archive", "text.lamina")
        try folder.lamina("eval", "text.lamina").failed(6, saying: "text.lamina")
        let archive = try ArchiveBytes(whole)
        for entry in archive.names {
            let range = try archive.range(of: entry)
            try folder.write(flipped(whole, at: range.upperBound - 1), "flipped.lamina")
            try folder.lamina("verify", "flipped.lamina").failed(6, saying: "flipped.lamina", entry)
        }
        try folder.lamina("verify", "m.lamina").succeeded()
    }

    @Test("a missing file: the code tells which: 3 the recipe, 4 data, 6 the archive")
    func missingFiles() throws {
        let folder = try folder()
        for verb in [["train"], ["init"]] {
            try folder.lamina(verb + ["gone.yaml", "-o", "n.lamina"]).failed(3, saying: "gone.yaml")
        }
        for words in [
            ["eval", "gone.lamina"], ["inspect", "gone.lamina"], ["verify", "gone.lamina"],
            ["selftest", "gone.lamina"],
            ["predict", "gone.lamina", "gone.png"], ["run", "gone.lamina", "--input", "x", "--output", "y"],
            ["plugins", "why", "gone.lamina"], ["train", "r.yaml", "-o", "gone.lamina", "--resume"],
        ] { try folder.lamina(words).failed(6, saying: "gone.lamina") }
        try folder.lamina("init", "r.yaml", "-o", "m.lamina").succeeded()
        for words in [
            ["predict", "m.lamina", "gone.png"], ["run", "m.lamina", "--input", "gone.safetensors", "--output", "y"],
            ["train", "r.yaml", "-o", "n.lamina", "--set", "data.train.images=gone.idx"],
        ] { try folder.lamina(words).failed(4, saying: "gone.") }
    }

    @Test("another output than the recorded one: 8")
    func selfTest() throws {
        let folder = try folder()
        try folder.lamina("init", "r.yaml", "-o", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()
        var archive = try ArchiveBytes(folder.bytes("m.lamina"))
        let entry = "selftest/0/outputs.safetensors"
        var outputs = try archive.content(entry)
        // The exponent of the last value: a quarter of it, or four times as much.
        outputs[outputs.count - 1] ^= 0x01
        try archive.forge(entry, outputs)
        try folder.write(archive.bytes, "forged.lamina")
        try folder.lamina("verify", "forged.lamina").succeeded()
        try folder.lamina("selftest", "forged.lamina").failed(8, saying: "forged.lamina", "output", "wanted")
    }
}
