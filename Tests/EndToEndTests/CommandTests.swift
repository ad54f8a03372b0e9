import Foundation
import LaminaFormats
import Testing

/// Answers of the command: help, version, schema, and what verbs print as JSON.
@Suite("The command", .needs("Core", "Data", "CNN"))
struct CommandTests {
    @Test("help and version go to standard output: 0")
    func help() throws {
        let folder = try Folder()
        for arguments in [
            ["--help"], ["help"], ["-h"], ["train", "--help"], ["help", "train"], ["plugins", "show", "--help"],
        ] {
            let outcome = try folder.lamina(arguments).succeeded()
            #expect(outcome.output.contains("USAGE: lamina") && outcome.errors.isEmpty, "\(outcome)")
        }
        let words = try folder.lamina("--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("Exit codes: 0 done") && words.contains("130 interrupted"))
        let version = try folder.lamina("--version").succeeded()
        #expect(version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil, "\(version)")
    }

    @Test("the schema of recipes knows the installed components")
    func schema() throws {
        let outcome = try Folder().lamina("schema")
        let schema = try outcome.json()
        guard case .object = schema else {
            Issue.record("no object")
            return
        }
        #expect(schema["$schema"] != nil && schema["properties"]?["model"] != nil)
        for component in ["core.dense", "cnn.conv2d", "data.idx", "core.adam", "core.cross_entropy"] {
            #expect(outcome.output.contains("\"\(component)\""), "\(component)")
        }
    }

    @Test("bench times the workloads of the plugins and recipes given by path")
    func bench() throws {
        let folder = try Folder()
        let result = try folder.lamina("bench", "mlp", "--seconds", "0.01", "--profile", "--format", "json").json()
        guard case .array(let rows)? = result["measurements"] else {
            Issue.record("no measurements: \(result.text())")
            return
        }
        #expect(rows.map { $0["phase"] ?? .null } == ["train", "infer"])
        // Twice the weights per sample, and what the activations do; a step does it up to three times.
        let weights = 2.0 * Double(784 * 512 + 512 * 256 + 256 * 10)
        for (row, samples) in zip(rows, [128 * 2...128 * 3.1, 1...1.1]) {
            guard case .number(let median)? = row["median_seconds"], case .number(let flops)? = row["flops"],
                case .array(let nodes)? = row["nodes"]
            else {
                Issue.record("\(row.text())")
                continue
            }
            #expect(median > 0 && median < 10)
            #expect(samples.contains(flops / weights), "\(flops / weights)")
            #expect(nodes.count >= 5)
        }
        try folder.write("lamina: 1\nmodel:\n  input: [3]\n  layers: [ core.dense: { units: 2 } ]\n", "own.yaml")
        let table = try folder.lamina("bench", "own.yaml", "--seconds", "0.01").succeeded()
        #expect(table.output.contains("own ") && table.output.contains("GFLOP/s on"))
        let unknown = try folder.lamina("bench", "mlpp")
        #expect(unknown.status == 2 && unknown.errors.contains("did you mean 'mlp'?"), "\(unknown)")
    }

    @Test("inspect shows layers, shapes, parameters and the plan")
    func inspect() throws {
        let folder = try Patterns.folder(train: 40, test: 20)
        try folder.write(TrainingTests.recipe, "r.yaml")
        try folder.lamina("init", "r.yaml", "-o", "m.lamina").succeeded()
        let parameters = 8 * 9 + 8 + 2 * 8 + 128 * 4 + 4
        let text = try folder.lamina("inspect", "m.lamina").succeeded().output
        #expect(
            text.contains("\(parameters) parameters") && text.contains("cnn.conv2d") && text.contains("dense_1"),
            "\(text)")
        let plain = try folder.lamina("inspect", "m.lamina", "--format", "json").json()
        #expect(plain["parameters"] == .integer(Int64(parameters)) && plain["plan"] == nil)
        let nodes = try [JSON](json: #require(plain["nodes"]), at: "nodes")
        let components = try nodes.map { try String(json: #require($0["component"]), at: "component") }
        let layers = ["cnn.conv2d", "core.batch_norm2d", "core.relu", "cnn.max_pool2d"]
        #expect(components == layers + ["core.flatten", "core.dropout", "core.dense", "core.cross_entropy"])

        func plan(_ options: String...) throws -> JSON {
            let arguments = ["inspect", "m.lamina", "--plan", "--format", "json"] + options
            return try #require(try folder.lamina(arguments).json()["plan"])
        }
        let (one, many) = (try plan(), try plan("--batch", "32", "--training"))
        // The plan may have nodes of its own, which change layouts.
        func convolution(_ plan: JSON) throws -> JSON {
            let nodes = try [JSON](json: #require(plan["nodes"]), at: "nodes")
            return try #require(nodes.first { $0["component"] == "cnn.conv2d" })
        }
        #expect(try convolution(one)["shape"] == [1, 8, 8, 8])
        #expect(try convolution(many)["shape"] == [32, 8, 8, 8])
        func number(_ plan: JSON, _ key: String) throws -> Double { try Double(json: #require(plan[key]), at: key) }
        #expect(try number(one, "arena_bytes") > 0 && number(many, "arena_bytes") > number(one, "arena_bytes"))
        #expect(try number(one, "arena_bytes") <= number(one, "unshared_bytes"))
        // Two operations per weight and place, and 32 times as many for 32 samples.
        let flops = try [one, many].map {
            try Double(json: #require(convolution($0)["forward_flops"]), at: "flops")
        }
        #expect(flops[0] >= 2 * 9 * 8 * 64 && flops[1] == 32 * flops[0], "\(flops)")
        try folder.lamina("inspect", "m.lamina", "--plan", "--batch=-5").failed(2, saying: "--batch")
        #expect(
            try folder.lamina("inspect", "m.lamina", "--plan").succeeded().output.contains("activations and workspaces")
        )
    }

    @Test("verify and selftest answer in JSON")
    func answers() throws {
        let folder = try Patterns.folder(train: 40, test: 20)
        try folder.write(TrainingTests.recipe, "r.yaml")
        try folder.lamina("init", "r.yaml", "-o", "m.lamina").succeeded()
        let verified = try folder.lamina("verify", "m.lamina", "--format", "json").json()
        #expect(verified["ok"] == true && verified["canonical"] == true)
        let tested = try folder.lamina("selftest", "m.lamina", "--format", "json").json()
        #expect(tested["ok"] == true && tested["cases"] == 1)
    }

    @Test("without a loss, gradients are those of the sum of the outputs")
    func gradientsOfSum() throws {
        let folder = try Folder()
        try folder.write(
            "lamina: 1\nmodel:\n  input: [3]\n  layers:\n    - core.dense: { units: 2 }\n      name: layer\n", "r.yaml")
        try folder.lamina("init", "r.yaml", "-o", "m.lamina", "--seed", "3").succeeded()
        let x: [Float] = [1, 2, 3, -4, 5, 0.5]
        try TensorFile.write([("input", [2, 3], x)], to: folder.path("x"))
        try folder.lamina("run", "m.lamina", "--input", "x", "--output", "y", "--gradients", "g").succeeded()
        let weights = try ArchiveBytes(folder.bytes("m.lamina")).tensors()
        let (w, b) = (try weights["layer.weight"].floats, try weights["layer.bias"].floats)
        let (y, g) = (try TensorFile(folder.path("y")), try TensorFile(folder.path("g")))
        #expect(y.tensors.keys.sorted() == ["output"])
        #expect(try y["output"].shape == [2, 2])
        for sample in 0..<2 {
            for unit in 0..<2 {
                let wanted = (0..<3).reduce(b[unit]) { $0 + w[3 * unit + $1] * x[3 * sample + $1] }
                #expect(try abs(y["output"].floats[2 * sample + unit] - wanted) < 1e-5)
            }
        }
        #expect(try g["layer.bias"].floats == [2, 2])
        #expect(try g["layer.weight"].floats == [-3, 7, 3.5, -3, 7, 3.5])
        let sums = (0..<3).map { w[$0] + w[3 + $0] }
        #expect(try zip(g["input"].floats, sums + sums).allSatisfy { abs($0 - $1) < 1e-6 })
    }
}
