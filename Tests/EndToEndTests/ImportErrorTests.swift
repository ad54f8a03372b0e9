import Foundation
import LaminaFormats
import Testing

/// Files of weights, and name maps, that do not fit: one line says what, where, and what to do.
@Suite("Weights that do not fit", .needs("Core"))
struct ImportErrorTests {
    /// r.yaml: parameters d.weight [2, 3] and d.bias [2].
    private func folder() throws -> Folder {
        let folder = try Folder()
        try folder.write(
            "lamina: 1\nmodel: { input: [3], layers: [ { core.dense: { units: 2 }, name: d } ] }\n", "r.yaml")
        try TensorFile.write(
            [("w", [2, 3], noise(6, seed: 1)), ("b", [2], noise(2, seed: 2))], to: folder.path("w.st"))
        return folder
    }

    private func begin(_ folder: Folder, _ map: String?, _ options: String..., weights: String = "w.st") throws
        -> Outcome
    {
        if let map { try folder.write(map, "m.yaml") }
        return try folder.lamina(
            ["init", "r.yaml", "-o", "m.lamina", "--weights", weights] + (map == nil ? [] : ["--names", "m.yaml"])
                + options)
    }

    private static let right = "names: { d.weight: w, d.bias: b }"

    @Test func theMap() throws {
        let folder = try folder()
        try begin(folder, Self.right).succeeded()
        try FileManager.default.removeItem(atPath: folder.path("m.lamina"))
        try begin(folder, nil).failed(
            4, saying: "w.st: there is no tensor 'd.weight' for the parameter 'd.weight'; ", "'b'")
        for (map, code, wanted) in [
            (
                "names: { d.weight: w, d.bias: c }", 4,
                "no tensor 'c' for the parameter 'd.bias' (m.yaml:1); did you mean 'w'?"
            ),
            ("names:\n  d.weight: w\n  d.bias: { either: [x.bias, y] }", 4, "no tensor 'x.bias', 'y' for"),
            (
                "prefixes: a.\nnames: { d.weight: w, d.bias: zzz }", 4,
                "also not with 'a.' before the name; the file has 'w', 'b'"
            ),
            ("names: { d.weight: w }", 3, "m.yaml: no rule fits the parameter 'd.bias' [2]: write one under 'names'"),
            ("names: { weight: w, bias: b }", 3, "so give the recipe's layer 'd' the name \"\""),
            ("names:\n  d.weight: w\n  d.*: b.*", 3, "m.yaml:3:3: "),
            (
                "names:\n  d.weight: w\n  \"*.weight\": \"*\"\n  d.bias: b", 3,
                "'*.weight' and 'd.weight' of line 2 both fit"
            ),
            ("names:\n  d.weight: [", 3, "m.yaml:3:1: this is no YAML"),
            (
                "names: { d.weight: { transposed: w }, d.bias: b }", 4,
                "tensor 'w', transposed, is [3, 2], the parameter 'd.weight' [2, 3] (m.yaml:1): leave out 'transposed'"
            ),
            (
                "names: { d.weight: w, d.bias: { transposed: b } }", 4,
                "tensor 'b' is [2], and only a matrix can be transposed (m"
            ),
            (
                "names: { d.weight: { joined: [w, b] }, d.bias: b }", 4,
                "tensor 'b' is [2], and cannot be joined along the first dimension with 'w', [2, 3] (m.yaml:1)"
            ),
            (
                "names: { d.weight: { joined: [w, w] }, d.bias: b }", 4,
                "tensors 'w', 'w', joined, are [4, 3], the parameter"
            ),
            ("names: { d.weight: b, d.bias: w }", 4, "tensor 'b' is [2], the parameter 'd.weight' [2, 3] (m.yaml:1)"),
        ] as [(String, Int32, String)] {
            try begin(folder, map).failed(code, saying: wanted)
        }
        #expect(!folder.exists("m.lamina"))
        try folder.lamina("init", "r.yaml", "-o", "m.lamina", "--weights", "w.st", "--names", "no.yaml").failed(
            3, saying: "no.yaml: cannot open the name map: ")
    }

    @Test func theTensors() throws {
        let folder = try folder()
        func begin(
            _ floats: [(name: String, shape: [Int], values: [Float])],
            _ integers: [(name: String, shape: [Int], values: [Int64])] = [], _ options: String...
        ) throws -> Outcome {
            try TensorFile.write(floats, integers: integers, to: folder.path("x.st"))
            try folder.write(Self.right, "m.yaml")
            return try folder.lamina(
                ["init", "r.yaml", "-o", "m.lamina", "--weights", "x.st", "--names", "m.yaml"] + options)
        }
        let (w, b) = (("w", [2, 3], noise(6, seed: 1)), ("b", [2], noise(2, seed: 2)))
        try begin([("w", [3, 2], noise(6, seed: 1)), b]).failed(
            4, saying: "x.st: tensor 'w' is [3, 2], the parameter 'd.weight' [2, 3] (m.yaml:1): write { transposed: … }"
        )
        try begin([("w", [2, 4], noise(8, seed: 1)), b]).failed(
            4, saying: "[2, 4]", "the recipe's network is another one")
        try begin([w], [("b", [2], [1, 2])]).failed(
            4, saying: "tensor 'b' has type I64, wanted F32 or F16 or BF16 or F64 for 'd.bias'")
        try begin([w, b, ("more", [1], [0])], [("extra.x", [], [3])]).failed(
            4, saying: "no parameter takes ", "'more'", "'extra.x'", "--ignore, or in m.yaml under 'ignored'")
        try begin([w, b, ("more", [1], [0])], [("extra.x", [], [3])], "--ignore", "mor?", "--ignore", "extra.*")
            .succeeded()
        try begin([w, ("b", [2], [1, .nan])]).failed(4, saying: "x.st: the parameter 'd.bias' would have the value nan")
        try begin([w, b, ("evil\u{1B}[2J\nname", [1], [0])]).failed(4, saying: "control character U+1B")
        // Dimensions of size 1 come and go; what was 0 is copied as 0.
        try begin([("w", [1, 2, 1, 3], noise(6, seed: 1)), ("b", [2, 1], [0, 0])]).succeeded()
        let got = try ArchiveBytes(folder.bytes("m.lamina")).tensors()
        #expect(try got["d.weight"].floats == noise(6, seed: 1) && got["d.weight"].shape == [2, 3])
        #expect(try got["d.bias"].floats == [0, 0])
    }

    @Test func theFile() throws {
        let folder = try folder()
        let whole = try folder.bytes("w.st")
        var header = String(decoding: whole[8..<8 + Int(whole[0]) + 256 * Int(whole[1])], as: UTF8.self)
        for count in Array(0...12) + stride(from: 20, to: whole.count, by: 23) + [whole.count - 1] {
            try folder.write(Array(whole.prefix(count)), "x.st")
            try begin(folder, Self.right, weights: "x.st").failed(4, saying: "x.st: ")
        }
        try folder.write(whole + [0], "x.st")
        try begin(folder, Self.right, weights: "x.st").failed(4, saying: "x.st: safetensors: the tensors take 32 bytes")
        try #require(header.contains("[2,3]") && header.contains("[0,24]"))
        for (right, wrong) in [
            ("[2,3]", "[3,3]"), ("[2,3]", "[2,0]"), ("[0,24]", "[8,32]"), ("\"F32\"", "\"F33\""), ("{", "["),
            ("shape", "shade"), ("\"w\"", "\"b\""),
        ] {
            let changed = header.replacingOccurrences(of: right, with: wrong)
            try #require(changed != header && changed.utf8.count == header.utf8.count)
            try folder.write(whole.prefix(8) + Array(changed.utf8) + whole.dropFirst(8 + changed.utf8.count), "x.st")
            try begin(folder, Self.right, weights: "x.st").failed(4, saying: "x.st: safetensors: ")
        }
        header = ""
        try folder.write([UInt8](repeating: 0xFF, count: 64), "x.st")
        try begin(folder, Self.right, weights: "x.st").failed(4, saying: "x.st: safetensors: the header has ")
        try folder.write([0x80, 2] + [UInt8](repeating: 0x8A, count: 60), "x.st")
        try begin(folder, Self.right, weights: "x.st").failed(4, saying: "this is a pickle, which only Python reads")
        try folder.lamina("init", "r.yaml", "-o", "other.lamina").succeeded()
        try begin(folder, Self.right, weights: "other.lamina").failed(
            4, saying: "this is a zip file", "(an archive goes with --from)")
        try begin(folder, Self.right, weights: folder.path).failed(4, saying: "it is a folder")
        try begin(folder, Self.right, weights: "nothing.st").failed(4, saying: "cannot open 'nothing.st'")
    }

    @Test func theCommandLine() throws {
        let folder = try folder()
        try folder.lamina("init", "r.yaml", "-o", "m.lamina", "--names", "m.yaml").failed(
            2, saying: "--names goes with --weights")
        try folder.lamina("init", "r.yaml", "-o", "m.lamina", "--new", "d.*").failed(
            2, saying: "--new goes with --weights")
        try folder.lamina("init", "r.yaml", "-o", "m.lamina", "--ignore", "x").failed(
            2, saying: "--ignore goes with --weights")
        try folder.lamina("init", "r.yaml", "-o", "w.st", "--weights", "w.st").failed(
            2, saying: "w.st would be written over")
        try folder.lamina("init", "r.yaml", "-o", "m.lamina").succeeded()
        try folder.lamina("init", "r.yaml", "-o", "n.lamina", "--weights", "w.st", "--from", "m.lamina").failed(
            2, saying: "not with both")
        #expect(try folder.lamina("help", "init").output.contains("--weights"))
    }
}
