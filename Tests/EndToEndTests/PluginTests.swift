import Foundation
import LaminaFormats
import Testing

/// What is installed, and what happens when a model needs more.
@Suite("Plugins", .needs("Core", "Data", "CNN"))
struct PluginTests {
    @Test("list, show and why answer from manifests")
    func questions() throws {
        let folder = try Folder()
        let plugins = try [JSON](json: folder.lamina("plugins", "list", "--format", "json").json(), at: "plugins")
        let ids = try plugins.map { try String(json: #require($0["id"]), at: "id") }
        #expect(Set(ids).isSuperset(of: ["core", "data", "cnn"]))
        #expect(plugins.allSatisfy { $0["obstacle"] == JSON.null }, "\(plugins)")
        #expect(try folder.lamina("plugins").succeeded().output.contains("core"))

        #expect(try folder.lamina("plugins", "show", "cnn").succeeded().output.contains("cnn.conv2d"))
        let dense = try folder.lamina("plugins", "show", "core.dense", "--format", "json").json()
        #expect(dense[0]?["id"] == "core.dense" && dense[0]?["kind"] == "layer")
        #expect(try folder.lamina("plugins", "show", "core.dense").succeeded().output.contains("units"))
        try folder.lamina("plugins", "show", "core.dens").failed(5, saying: "core.dens", "did you mean", "core.dense")
    }

    /// A copy of the command with some of its bundles.
    private func installation(without missing: String, in folder: Folder) throws -> Command {
        let whole = URL(fileURLWithPath: try Command.find().path).resolvingSymlinksInPath().deletingLastPathComponent()
        let files = FileManager.default
        let home = folder.path("bin")
        try files.createDirectory(atPath: home, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: whole.path)
        where name == "lamina" || (name.hasSuffix(".laminaplugin") && name != missing + ".laminaplugin") {
            try files.copyItem(atPath: whole.appendingPathComponent(name).path, toPath: home + "/" + name)
        }
        return Command(path: home + "/lamina")
    }

    @Test("without the plugin of its layers a model says what it lacks: 5")
    func missing() throws {
        let folder = try Patterns.folder(train: 40, test: 20)
        try folder.write(TrainingTests.recipe, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "1").succeeded()
        try folder.write(png([UInt8](repeating: 9, count: 64), width: 8), "x.png")
        let command = try installation(without: "cnn", in: folder)
        func lamina(_ arguments: String...) throws -> Outcome { try command.run(arguments, in: folder.path) }

        #expect(try lamina("plugins", "list", "--format", "json").json()[1] != nil, "the others are there")
        for arguments in [["predict", "m.lamina", "x.png"], ["eval", "m.lamina"], ["selftest", "m.lamina"]] {
            try command.run(arguments, in: folder.path).failed(
                5, saying: "m.lamina", "'cnn'", "layer cnn.conv2d version 1")
        }
        try lamina("train", "r.yaml", "-o", "other.lamina").failed(5, saying: "r.yaml:11:7", "cnn")
        // What needs no layer works on.
        let shown = try lamina("inspect", "m.lamina").succeeded().output
        #expect(shown.contains("conv2d_1") && shown.contains("missing: ") && shown.contains("'cnn'"), "\(shown)")
        try lamina("inspect", "m.lamina", "--plan").failed(5, saying: "'cnn'")
        let drawing = try lamina("inspect", "m.lamina", "--graph", "dot").succeeded().output
        #expect(drawing.hasPrefix("digraph \"patterns\" {") && drawing.contains("\"conv2d_1\" -> \"batch_norm2d_1\";"))
        try lamina("verify", "m.lamina").succeeded()
        let why = try lamina("plugins", "why", "m.lamina", "--format", "json")
        #expect(why.status == 5, "\(why)")
        let answer = try JSON.parse(why.output)
        #expect(answer["ok"] == false)
        #expect(try String(json: #require(answer["missing"]?[0]), at: "").contains("cnn.conv2d"))
        #expect(try folder.lamina("plugins", "why", "m.lamina", "--format", "json").json()["ok"] == true)
    }

    @Test("without the plugin that trained a model, its tasks are not there, and commands say so", .needs("GAN"))
    func missingMaker() throws {
        let folder = try Folder()
        try folder.write(
            """
            lamina: 1
            data: { train: { reader: gan.ring, count: 640 } }
            networks:
              generator: { input: [4], layers: [ core.dense: { units: 2 } ] }
              discriminator: { input: [2], layers: [ core.dense: { units: 1 } ] }
            procedure: { gan.adversarial: { samples: 8 } }
            optimizer: { core.adam: { learning_rate: 1.0e-3 } }
            train: { epochs: 1, batch: 64 }
            """, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        #expect(try folder.lamina("inspect", "m.lamina").succeeded().output.contains("trained by gan.adversarial\n"))
        let command = try installation(without: "gan", in: folder)
        func lamina(_ arguments: String...) throws -> Outcome { try command.run(arguments, in: folder.path) }
        try lamina("task", "m.lamina", "generate", "x.npy").failed(
            2, saying: "no task 'generate'", "come from plugin gan, which is not installed")
        #expect(try lamina("task", "m.lamina").succeeded().errors.contains("plugin gan, which is not installed"))
        #expect(try lamina("inspect", "m.lamina").succeeded().output.contains("plugin gan, which is not installed"))
        try lamina("eval", "m.lamina").failed(2, saying: "'gan.adversarial'", "plugin gan")
    }

    @Test("without the plugin that reads files, why says that predict will want it: 5")
    func missingReader() throws {
        let folder = try Folder()
        try folder.write("x,y,label\n" + String(repeating: "1,2,a\n-1,0,b\n", count: 10), "t.csv")
        try folder.write(
            """
            lamina: 1
            data: { train: { reader: data.csv, path: t.csv, target: label } }
            model: { input: [2], layers: [core.dense: { units: 2 }] }
            loss: core.cross_entropy
            optimizer: { core.sgd: { learning_rate: 0.1 } }
            """, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        #expect(try folder.lamina("plugins", "why", "m.lamina").succeeded().output.contains("data.csv"))
        let command = try installation(without: "data", in: folder)
        let why = try command.run(["plugins", "why", "m.lamina", "--format", "json"], in: folder.path)
        #expect(why.status == 5, "\(why)")
        let answer = try JSON.parse(why.output)
        #expect(answer["reader"] == "data.csv" && answer["ok"] == false)
        #expect(try String(json: #require(answer["missing"]?[0]), at: "").contains("plugin 'data' is not installed"))
        // The network itself runs.
        try command.run(["selftest", "m.lamina"], in: folder.path).succeeded()
        try command.run(["predict", "m.lamina", "t.csv"], in: folder.path).failed(5, saying: "no installed source")
    }

    @Test("a changed library of the right size is found by verify: 8")
    func verify() throws {
        let folder = try Folder()
        let command = try installation(without: "cnn", in: folder)
        func verify() throws -> Outcome {
            try command.run(["plugins", "verify", "--format", "json"], in: folder.path)
        }
        #expect(try [JSON](json: verify().json(), at: "").allSatisfy { $0["ok"] == true })
        let manifest = try JSON.parse(folder.bytes("bin/data.laminaplugin/plugin.json"))
        let library = try String(json: #require(manifest["libraries"]?[0]?["file"]), at: "file")
        var bytes = try folder.bytes("bin/data.laminaplugin/" + library)
        bytes[bytes.count / 2] ^= 1
        try folder.write(bytes, "bin/data.laminaplugin/" + library)
        let outcome = try verify()
        #expect(outcome.status == 8)
        let results = try [JSON](json: JSON.parse(outcome.output), at: "")
        #expect(results.filter { $0["ok"] == false }.map { $0["id"] } == ["data"])
        #expect(outcome.output.contains("copy or build the bundle again"), "\(outcome)")
    }

    @Test("a folder that gives no plugins is named in one line, and the command goes on")
    func pluginPath() throws {
        let folder = try Folder()
        try FileManager.default.createDirectory(
            atPath: folder.path("x/cut.laminaplugin"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: true)
        try folder.write("{}", "x/cut.laminaplugin/plugin.json")
        for (path, reason) in [
            ("gone", "No such file"), ("empty", "holds no folder NAME.laminaplugin"),
            ("x/cut.laminaplugin", "is a bundle, name the folder that it lies in"),
        ] {
            let outcome = try folder.lamina("plugins", "list", "--plugin-path", path).succeeded()
            #expect(outcome.output.contains("core"))
            #expect(
                outcome.errors.hasPrefix("warning: no plugins are read from \(path): ")
                    && outcome.errors.contains(reason) && outcome.errors.split(separator: "\n").count == 1, "\(outcome)"
            )
        }
    }

    @Test("a bundle that is made again keeps no library and no benchmark that is not in it")
    func bundleAgain() throws {
        let folder = try Folder()
        let whole = URL(fileURLWithPath: try Command.find().path).resolvingSymlinksInPath().deletingLastPathComponent()
        let library = whole.appendingPathComponent("libDataPlugin.so").path
        let manifest = try JSON.parse(
            Array(Data(contentsOf: whole.appendingPathComponent("data.laminaplugin/plugin.json"))))
        let level = try String(json: #require(manifest["libraries"]?[0]?["target"]), at: "target")
        let other = level == "aarch64" ? "x86-64-v1" : "aarch64"
        let libraries = [level, other].map { "\($0)=\(library)" }
        for name in ["one", "two"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
            try folder.write("lamina: 1", "\(name)/\(name).yaml")
        }
        let bundle = ["plugin", "bundle"] + libraries + ["-o", "data.laminaplugin"]
        for name in ["one", "two"] { try folder.lamina(bundle + ["--benchmarks", name]).succeeded() }
        #expect(
            folder.exists("data.laminaplugin/benchmarks/two.yaml")
                && !folder.exists("data.laminaplugin/benchmarks/one.yaml"))
        let files = FileManager.default
        #expect(files.fileExists(atPath: folder.path("data.laminaplugin/\(other)/libdata.so")))
        try folder.write("mine", "data.laminaplugin/notes.txt")
        try folder.lamina("plugin", "bundle", libraries[0], "-o", "data.laminaplugin").succeeded()
        let left = try files.contentsOfDirectory(atPath: folder.path("data.laminaplugin"))
        #expect(left.sorted() == ["notes.txt", "plugin.json", level].sorted())
        #expect(files.fileExists(atPath: folder.path("data.laminaplugin/\(level)/libdata.so")))
        try folder.lamina("plugin", "bundle", libraries[0], "-o", "other.laminaplugin")
            .failed(2, saying: "its bundle is named data.laminaplugin")
        #expect(!folder.exists("other.laminaplugin"))
    }

    @Test("a broken plugin is reported and harms no other")
    func broken() throws {
        let folder = try Folder()
        let command = try installation(without: "cnn", in: folder)
        try FileManager.default.createDirectory(
            atPath: folder.path("bin/cnn.laminaplugin"), withIntermediateDirectories: true)
        try folder.write("{", "bin/cnn.laminaplugin/plugin.json")
        let outcome = try command.run(["plugins", "list", "--format", "json"], in: folder.path)
        #expect(try outcome.json()[1] != nil)
        #expect(outcome.errors.hasPrefix("warning: ") && outcome.errors.contains("cnn.laminaplugin"), "\(outcome)")
    }
}
