import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

/// `embed` on a made-up encoder: a step's vector is its token, its place and how many steps the model was told.
@Suite struct EmbedTests {
    final class Calls {
        var wanted: [String] = []
        var shapes: [[Int]] = []
    }

    private func model(
        lengths: Bool = true, steps: String = "\"T\"", added: Int = 0, start: String = "", told: String = "null",
        head: String = "", end: String = "norm2", calls: Calls = Calls()
    ) throws -> TaskHarness {
        let graph = """
            {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", \(steps)]}
                        \(lengths ? ", {\"name\": \"lengths\", \"dtype\": \"int64\", \"shape\": [\"N\"]}" : "")],
             "nodes": [{"name": "embedding", "component": "core.embedding", "inputs": ["text"]},
                       \(start) {"name": "norm0", "component": "core.layer_norm", "inputs": ["\(start.isEmpty ? "embedding" : "start")"]},
                       {"name": "attention", "component": "transformer.dot_product_attention",
                        "attributes": {"heads": 1}, "inputs": ["norm0", null, null, \(told)]},
                       {"name": "add1", "component": "core.add", "inputs": ["norm0", "attention"]},
                       {"name": "norm1", "component": "core.layer_norm", "inputs": ["add1"]},
                       {"name": "add2", "component": "core.add", "inputs": ["norm1", "norm1"]},
                       {"name": "norm2", "component": "transformer.rms_norm", "inputs": ["add2"]}, \(head)
                       {"name": "transform", "component": "core.dense", "inputs": ["\(end)"]},
                       {"name": "transform_norm", "component": "core.layer_norm", "inputs": ["transform"]}],
             "outputs": [{"name": "output", "from": "transform_norm"}]}
            """
        let text = TaskHarness.TextInput(try TokenizerHarness.scalars("abcde"))
        return TaskHarness(graph: graph, texts: ["text": text]) { given, wanted in
            let tokens = given[0].value
            calls.wanted += wanted
            calls.shapes.append(tokens.shape)
            let (rows, steps) = (tokens.shape[0], tokens.shape[1])
            let told = lengths ? given[1].value.elements(as: Int64.self).map { Float($0) } : nil
            if wanted == ["transform"] {
                return [TensorValue([rows, 2], (0..<rows * 2).map(Float.init))]
            }
            var values: [Float] = []
            for row in 0..<rows {
                for _ in 0..<added { values += [-1, -2, -3] }
                for step in 0..<steps {
                    let token = tokens.elements(as: Int64.self)[row * steps + step]
                    values += [Float(token), Float(step), told?[row] ?? -7]
                }
            }
            return [TensorValue([rows, steps + added, 3], values)]
        }
    }

    private func vectors(
        _ model: TaskHarness, _ attributes: JSONObject = [:], _ texts: [String]
    ) throws -> [JSON?] {
        let rows = try model.run(.task(Embed.self), attributes, arguments: texts).rows
        #expect(rows.map { $0["text"] } == texts.map { .string($0) })
        return rows.map { $0["vector"] }
    }

    @Test func theMeanOfWhatCounts() throws {
        let calls = Calls()
        // Tokens of "abcde" are 4 to 8.
        let found = try vectors(model(calls: calls), ["batch": 2], ["ac", "e", "abcde"])
        #expect(found == [[5.0, 0.5, 2.0], [8.0, 0.0, 1.0], [6.0, 2.0, 5.0]])
        // What stands behind the last residual, before the head; two texts side by side.
        #expect(calls.wanted == ["norm2", "norm2"] && calls.shapes == [[2, 2], [1, 5]])
        let apart = Calls()
        #expect(try vectors(model(lengths: false, calls: apart), [:], ["ac", "e", "ca"]).count == 3)
        #expect(apart.shapes == [[1, 1], [2, 2]])
    }

    @Test func oneStepForAll() throws {
        let slice = """
            {"name": "first", "component": "core.slice", "attributes": {"axis": 1, "start": 0, "end": 1},
             "inputs": ["norm2"]},
            """
        // A class token stands before the others; a classifier that reads the first step has made it the text's vector.
        #expect(try vectors(model(added: 1), [:], ["ac"]) == [[-1.0, -2.0, -3.0]])
        #expect(try vectors(model(added: 1), ["pooling": "mean"], ["ac"]) == [[5.0, 0.5, 2.0]])
        #expect(try vectors(model(added: 1), ["pooling": "last"], ["ac"]) == [[6.0, 1.0, 2.0]])
        #expect(try vectors(model(head: slice), [:], ["ca", "e"]) == [[6.0, 0.0, 2.0], [8.0, 0.0, 1.0]])
        #expect(try vectors(model(head: slice), ["pooling": "mean"], ["ca"]) == [[5.0, 0.5, 2.0]])
        #expect(try vectors(model(), ["pooling": "first"], ["ca"]) == [[6.0, 0.0, 2.0]])
        // A layer with a vector per text.
        #expect(try vectors(model(), ["layer": "transform"], ["ca", "e"]) == [[0.0, 1.0], [2.0, 3.0]])
    }

    /// A model of rows of one length gets such rows, in which padding does not count.
    @Test func rowsOfOneLength() throws {
        let calls = Calls()
        let found = try vectors(model(steps: "4", calls: calls), [:], ["ac", "e"])
        #expect(found == [[5.0, 0.5, 2.0], [8.0, 0.0, 1.0]] && calls.shapes == [[2, 4]])
        #expect { try vectors(model(steps: "4"), [:], ["ac", "abcde"]) } throws: {
            "\($0)".contains("a text has 5 tokens, but 'text' of the model takes 4")
        }
    }

    /// What adapts the encoder's end is the encoder's end.
    @Test func adaptedEnds() throws {
        func node(_ name: String, _ component: String, _ inputs: String) -> String {
            "{\"name\": \"\(name)\", \"component\": \"transformer.\(component)\", \"inputs\": [\(inputs)]},"
        }
        let calls = Calls()
        let adapter = node("adapter", "adapter", "\"norm2\"")
        _ = try vectors(model(head: adapter, end: "adapter", calls: calls), [:], ["ac"])
        let both = adapter + node("lora", "lora", "\"add2\", \"adapter\"")
        _ = try vectors(model(head: both, end: "lora", calls: calls), [:], ["ac"])
        #expect(calls.wanted == ["adapter", "lora"])
    }

    /// Trained steps in front are no tokens of the text; lengths do not count them, which attention must not be told then.
    @Test func stepsInFront() throws {
        func start(_ component: String, _ attributes: String) -> String {
            "{\"name\": \"start\", \"component\": \"transformer.\(component)\", \"attributes\": {\(attributes)},"
                + "\"inputs\": [\"embedding\"]},"
        }
        let (prompt, replacing) = (start("prompt", "\"count\": 2"), start("prompt", "\"count\": 2, \"replace\": true"))
        let token = start("class_token", "")
        #expect(try vectors(model(added: 2, start: prompt), [:], ["ac"]) == [[5.0, 0.5, 2.0]])
        let one = start("prompt", "\"count\": 1")
        #expect(try vectors(model(added: 1, start: one), [:], ["ac"]) == [[5.0, 0.5, 2.0]])
        #expect(try vectors(model(added: 1, start: token), [:], ["ac"]) == [[-1.0, -2.0, -3.0]])
        #expect(try vectors(model(start: replacing, told: "\"lengths\""), [:], ["ac"]) == [[5.0, 0.5, 2.0]])
        for start in [prompt, token] {
            #expect { try vectors(model(added: 2, start: start, told: "\"lengths\""), [:], ["ac"]) } throws: {
                "\($0)".contains("the attention 'attention' is told 'lengths', which do not count what 'start'")
            }
        }
    }

    @Test func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let texts = folder.appending(path: "texts.txt").path
        try Data("ac\n\ne\n".utf8).write(to: URL(filePath: texts))
        for name in ["v.npy", "v.safetensors"] {
            let path = folder.appending(path: name).path
            let answer = try model().run(
                .task(Embed.self), ["file": .string(texts), "output": .string(path)], arguments: ["bb"])
            #expect(answer.rows.isEmpty && answer.files == [path])
            let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
            let floats = bytes.suffix(36).withUnsafeBytes { bytes in
                (0..<9).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
            #expect(floats == [5, 0.5, 2, 5, 0.5, 2, 8, 0, 1])
            let header = String(decoding: bytes.dropLast(36), as: UTF8.self)
            #expect(header.contains(name == "v.npy" ? "'shape': (3, 3)" : "\"vectors\""))
        }
    }

    @Test func whatHasNoVectors() throws {
        let image = TaskHarness(
            graph: """
                {"inputs": [{"name": "image", "dtype": "float32", "shape": ["N", 3, 8, 8]}], "nodes": [], "outputs": []}
                """)
        let pair = TaskHarness(
            graph: """
                {"inputs": [{"name": "left", "dtype": "int64", "shape": ["N", "T"]},
                            {"name": "right", "dtype": "int64", "shape": ["N", "T"]}], "nodes": [], "outputs": []}
                """)
        for (model, attributes, texts, wanted) in [
            (pair, [:], ["a"], "takes the texts 'left' and 'right', but none of them"),
            (try model(), [:], ["a", "", "b"], "a text has no tokens"),
            (image, [:], ["a"], "takes 'image' (float32, \"N\" × 3 × 8 × 8)"),
            (try model(), [:], [], "there is no text to embed"),
            (try model(), [:], [""], "a text has no tokens"),
            (try model(), ["layer": "nor2"], ["a"], "layer is 'nor2', wanted a node"),
            (try model(), ["output": "v.txt"], ["a"], "ends in .npy or .safetensors"),
        ] as [(TaskHarness, JSONObject, [String], String)] {
            #expect {
                try model.run(.task(Embed.self), attributes, arguments: texts)
            } throws: {
                "\($0)".contains(wanted)
            }
        }
    }
}
