import Foundation
import LaminaFormats
import Testing

/// Models that begin with the weights of another framework: `lamina init --weights`, then everything through the archive.
///
/// Golden/generate_import.py in the Transformer plugin's tests wrote the models, with what PyTorch computes of them.
@Suite("Imported weights", .needs("Core", "CNN", "Transformer"))
struct ImportTests {
    /// A model of Hugging Face's transformers, the recipe of the same network, and its name map.
    struct Model: Sendable, CustomTestStringConvertible {
        let name: String
        let map: String
        let inputs: [(name: String, input: String)]
        let layer: String
        var testDescription: String { name }

        var folder: String { ImportTests.plugin + "/Tests/TransformerTests/Golden/import_\(name)" }
        var weights: String { folder + "/model.safetensors" }

        /// - Parameter inputs: those of the recipe, instead of all.
        func recipe(_ inputs: [String]? = nil) -> String {
            let given = self.inputs.filter { inputs?.contains($0.name) ?? true }
            return """
                lamina: 1
                model:
                  input:
                \(given.map { "    \($0.name): \($0.input)" }.joined(separator: "\n"))
                  layers:
                    - \(layer)
                      name: ""
                      from: [\(given.map(\.name).joined(separator: ", "))]
                loss: core.mse

                """
        }
    }

    private static let plugin = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Plugins/Transformer").path
    private static func map(_ name: String) -> String { plugin + "/NameMaps/\(name).yaml" }

    private static let tokens = ("tokens", "{ shape: [T], dtype: int64 }")
    private static let texts = [tokens, ("lengths", "{ shape: [], dtype: int64 }"), ("segments", tokens.1)]
    static let gpt2 = Model(
        name: "gpt2", map: "gpt2", inputs: [tokens],
        layer:
            "transformer.gpt: { vocabulary: 23, units: 12, heads: 3, layers: 2, context: 9, activation: gelu_tanh }")
    static let untied = Model(
        name: "gpt2_untied", map: "gpt2", inputs: [tokens],
        layer: "transformer.gpt: { vocabulary: 11, units: 10, heads: 2, layers: 1, feed_forward: 7, context: 5, "
            + "activation: gelu_tanh, tied: false }")
    static let bert = Model(
        name: "bert", map: "bert", inputs: texts,
        layer: "transformer.bert: { vocabulary: 19, units: 12, heads: 3, layers: 2, feed_forward: 17, context: 8, "
            + "segments: 2, output_bias: true }")
    static let classes = Model(
        name: "bert_classes", map: "bert", inputs: texts,
        layer: "transformer.bert: { vocabulary: 13, units: 10, heads: 5, layers: 1, feed_forward: 9, context: 7, "
            + "segments: 2, classes: 3 }")
    static let vit = Model(
        name: "vit", map: "vit", inputs: [("images", "[2, 6, 8]")],
        layer: "transformer.vit: { image: [6, 8], patch: 2, units: 12, heads: 3, layers: 2, feed_forward: 10, "
            + "epsilon: 1.0e-12, classes: 5 }")

    /// `lamina init` of a model's recipe and `weights`; the recipe is r.yaml, the archive m.lamina.
    private func begin(
        _ model: Model, _ folder: Folder, weights: String? = nil, inputs: [String]? = nil, _ options: String...
    ) throws -> Outcome {
        try folder.write(model.recipe(inputs), "r.yaml")
        return try folder.lamina(
            ["init", "r.yaml", "--weights", weights ?? model.weights, "--names", Self.map(model.map), "-o", "m.lamina"]
                + options)
    }

    /// Runs m.lamina on the golden inputs and compares outputs with those of PyTorch, and gradients.
    private func compare(
        _ model: Model, _ folder: Folder, inputs: [String]? = nil, output: String = "output", gradients: Bool = true,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let golden = try TensorFile(model.folder + "/golden.safetensors")
        let names = inputs ?? model.inputs.map(\.name)
        let given = golden.tensors.filter { names.contains($0.key) || $0.key == "target" }
        try TensorFile.write(
            given.filter { $0.value.dtype == .f32 }.map { ($0.key, $0.value.shape, $0.value.floats) },
            integers: given.filter { $0.value.dtype == .i64 }.map { ($0.key, $0.value.shape, $0.value.integers) },
            to: folder.path("x.safetensors"))
        try folder.lamina(
            "run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors", "--gradients", "g.safetensors"
        ).succeeded(location)
        func expectClose(_ got: TensorFile.Tensor, _ wanted: TensorFile.Tensor, _ tolerance: Double, _ what: String)
            throws
        {
            try #require(got.shape == wanted.shape, "\(what)", sourceLocation: location)
            let error = zip(got.doubles, wanted.doubles).map { abs($0 - $1) }.max()!
            #expect(
                error <= tolerance * wanted.magnitude,
                "\(model.name): \(what) is off by \(error) of \(wanted.magnitude)",
                sourceLocation: location)
        }
        try expectClose(
            try TensorFile(folder.path("y.safetensors"))["output"], golden[output], 1e-4, "the output")
        guard gradients else { return }
        let got = try TensorFile(folder.path("g.safetensors"))
        let compared = golden.tensors.filter { $0.key.hasPrefix("gradient.") }
        try #require(!compared.isEmpty)
        for (name, wanted) in compared {
            try expectClose(got[String(name.dropFirst("gradient.".count))], wanted, 1e-3, name)
        }
    }

    @Test(
        "a file of transformers computes what PyTorch does, in half precisions, too",
        arguments: [
            gpt2, untied, bert, classes, vit,
        ])
    func agreesWithPyTorch(_ model: Model) throws {
        let folder = try Folder()
        let outcome = try begin(model, folder).succeeded()
        #expect(outcome.errors.contains("tensors have the values of \(model.weights)\n"), "\(outcome)")
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()
        try compare(model, folder)
    }

    @Test("without an input of segments, all tokens are of the first")
    func oneSegment() throws {
        let folder = try Folder()
        try begin(Self.bert, folder, inputs: ["tokens", "lengths"]).succeeded()
        try compare(
            Self.bert, folder, inputs: ["tokens", "lengths"], output: "output.alone", gradients: false)
    }

    // MARK: Other forms of the same files

    /// The tensors of a file under other names, with others beside them.
    private func write(
        _ tensors: [String: TensorFile.Tensor], _ name: String, in folder: Folder
    ) throws {
        let list = tensors.sorted { $0.key < $1.key }
        let encoder = try Safetensors.Encoder(list.map { (name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) })
        try folder.write(encoder.prefix + encoder.tensors.flatMap { tensors[$0.name]!.bytes }, name)
    }

    private func renamed(_ model: Model, _ changes: [(String, String)]) throws -> [String: TensorFile.Tensor] {
        let tensors = try TensorFile(model.weights).tensors
        return Dictionary(
            uniqueKeysWithValues: tensors.map { name, tensor in
                (changes.reduce(name) { $0.replacingOccurrences(of: $1.0, with: $1.1) }, tensor)
            })
    }

    @Test("older files: no prefix, masks, copies of tied weights, TensorFlow's names of norms")
    func olderFiles() throws {
        let folder = try Folder()
        var tensors = try renamed(Self.gpt2, [("transformer.", "")])
        tensors["h.0.attn.bias"] = .init(dtype: .bool, shape: [1, 1, 2, 2], bytes: [1, 0, 1, 1])
        tensors["lm_head.weight"] = tensors["wte.weight"]
        try write(tensors, "old.safetensors", in: folder)
        let outcome = try begin(Self.gpt2, folder, weights: "old.safetensors").succeeded()
        #expect(outcome.errors.contains("; not needed of the file: "), "\(outcome)")
        try compare(Self.gpt2, folder)
        // An output of its own would be lost.
        tensors["lm_head.weight"] = try TensorFile(Self.gpt2.weights)["transformer.wte.weight"].withFirstByteChanged
        try write(tensors, "old.safetensors", in: folder)
        try begin(Self.gpt2, folder, weights: "old.safetensors").failed(
            4, saying: "old.safetensors: tensor 'lm_head.weight' differs from 'wte.weight'", "let it have two")

        tensors = try renamed(
            Self.bert, [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")])
        tensors["bert.embeddings.position_ids"] = .init(dtype: .i64, shape: [1, 0], bytes: [])
        tensors["bert.pooler.dense.bias"] = tensors["bert.embeddings.LayerNorm.beta"]
        try write(tensors, "old.safetensors", in: folder)
        try begin(Self.bert, folder, weights: "old.safetensors").succeeded()
        try compare(Self.bert, folder)
    }

    @Test("the names of transformers' own modules, and timm's")
    func otherNamesOfVisionTransformers() throws {
        let folder = try Folder()
        let modules = [
            ("encoder.layer.", "layers."), ("attention.attention.query", "attention.q_proj"),
            ("attention.attention.key", "attention.k_proj"), ("attention.attention.value", "attention.v_proj"),
            ("attention.output.dense", "attention.o_proj"), ("intermediate.dense", "mlp.fc1"),
            ("output.dense", "mlp.fc2"),
        ]
        try write(renamed(Self.vit, modules), "new.safetensors", in: folder)
        try begin(Self.vit, folder, weights: "new.safetensors").succeeded()
        try compare(Self.vit, folder)
        var timm = try renamed(
            Self.vit,
            modules + [
                ("vit.layers.", "blocks."), ("layernorm_before", "norm1"), ("layernorm_after", "norm2"),
                ("attention.o_proj", "attn.proj"), ("vit.layernorm", "norm"), ("classifier", "head"),
                ("vit.embeddings.cls_token", "cls_token"), ("vit.embeddings.position_embeddings", "pos_embed"),
                ("vit.embeddings.patch_embeddings.projection", "patch_embed.proj"),
            ])
        for kind in ["weight", "bias"] {
            for block in 0..<2 {
                let names = "qkv".map { "blocks.\(block).attention.\($0)_proj.\(kind)" }
                let parts = try names.map { try #require(timm[$0]) }
                for name in names { timm[name] = nil }
                timm["blocks.\(block).attn.qkv.\(kind)"] = .init(
                    dtype: .f32, shape: [36] + parts[0].shape.dropFirst(), bytes: parts.flatMap(\.bytes))
            }
        }
        try write(timm, "timm.safetensors", in: folder)
        try folder.lamina(
            "init", "r.yaml", "--weights", "timm.safetensors", "--names", Self.map("vit-timm"), "-o", "m.lamina"
        ).succeeded()
        try compare(Self.vit, folder)
    }

    @Test("doubles are rounded, and parts are found by their index")
    func partsAndDoubles() throws {
        let folder = try Folder()
        let tensors = try TensorFile(Self.gpt2.weights).tensors.mapValues { tensor in
            TensorFile.Tensor(
                dtype: .f64, shape: tensor.shape,
                bytes: tensor.doubles.map { $0 * (1 + 1e-12) }.withUnsafeBytes { Array($0) })
        }
        let names = tensors.keys.sorted()
        var places = JSONObject()
        for (index, name) in names.enumerated() {
            places[name] = .string("model-0000\(1 + index % 2)-of-00002.safetensors")
        }
        for part in 0..<2 {
            try write(
                tensors.filter { names.firstIndex(of: $0.key)! % 2 == part },
                "model-0000\(1 + part)-of-00002.safetensors",
                in: folder)
        }
        let index = JSON.object(["metadata": ["total_size": 5], "weight_map": .object(places)])
        try folder.write(index.bytes(), "model.safetensors.index.json")
        try begin(Self.gpt2, folder, weights: "model.safetensors.index.json").succeeded()
        try compare(Self.gpt2, folder)
        try begin(Self.gpt2, folder, weights: "model-00001-of-00002.safetensors").failed(
            4, saying: "there is no tensor", "name the index, *.index.json")
        try FileManager.default.removeItem(atPath: folder.path("model-00002-of-00002.safetensors"))
        try begin(Self.gpt2, folder, weights: "model.safetensors.index.json").failed(
            4, saying: "model-00002-of-00002.safetensors")
        for (text, reason) in [
            ("{}", "there is no 'weight_map'"), ("[", "model.safetensors.index.json: "),
            ("{\"weight_map\":{\"a\":\"../b\"}}", "the name of a safetensors file beside it"),
            ("{\"weight_map\":{\"a\":7}}", "weight_map"),
            (
                "{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\"}}",
                "should have the tensor \"a\", and has not"
            ),
        ] {
            try folder.write(text, "model.safetensors.index.json")
            try begin(Self.gpt2, folder, weights: "model.safetensors.index.json").failed(4, saying: reason)
        }
    }

    @Test("our own weights come back without a map, bit for bit")
    func ownNames() throws {
        let folder = try Folder()
        try folder.write(
            """
            lamina: 1
            model:
              input: [3, 8, 8]
              layers:
                - cnn.conv2d: { filters: 4, kernel: 3 }
                - core.batch_norm2d
                - core.flatten
                - core.dense: { units: 5 }
            """, "own.yaml")
        try folder.lamina("init", "own.yaml", "-o", "a.lamina", "--seed", "1").succeeded()
        try folder.lamina("init", "own.yaml", "-o", "b.lamina", "--seed", "2").succeeded()
        let weights = "weights/model.safetensors"
        let (a, b) = (try ArchiveBytes(folder.bytes("a.lamina")), try ArchiveBytes(folder.bytes("b.lamina")))
        #expect(try a.content(weights) != b.content(weights))
        try folder.write(a.content(weights), "a.safetensors")
        try folder.lamina("init", "own.yaml", "-o", "c.lamina", "--seed", "2", "--weights", "a.safetensors").succeeded()
        #expect(try ArchiveBytes(folder.bytes("c.lamina")).content(weights) == a.content(weights))
        try folder.lamina("selftest", "c.lamina").succeeded()
    }

    @Test("a new head beside imported layers, and tensors that are not needed")
    func newHead() throws {
        let folder = try Folder()
        let tuned = Model(
            name: "bert", map: "bert", inputs: Self.texts,
            layer: Self.bert.layer.replacingOccurrences(of: "output_bias: true", with: "classes: 4"))
        try begin(tuned, folder).failed(
            4, saying: "there is no tensor 'pooler.dense.weight' for the parameter 'pooler.weight'",
            "also not with 'bert.' before the name")
        try begin(tuned, folder, "--new", "pooler.*", "--new", "classifier.*").failed(
            4, saying: "no parameter takes 'cls.predictions.bias', ", "--ignore, or in", "bert.yaml under 'ignored'")
        let outcome = try begin(tuned, folder, "--new", "pooler.*", "--new", "classifier.*", "--ignore", "cls.*")
            .succeeded()
        #expect(
            outcome.errors.contains(
                "29 of 33 tensors have the values of \(Self.bert.weights); new: 'pooler.weight', 'pooler.bias', "
                    + "'classifier.weight', 'classifier.bias'; not needed of the file: 'cls.predictions.bias', "),
            "\(outcome)")
        let got = try ArchiveBytes(folder.bytes("m.lamina")).tensors()
        #expect(
            try got["embedding.weight"]
                == TensorFile(Self.bert.weights)["bert.embeddings.word_embeddings.weight"])
        // A head that the file has can be left there.
        try begin(Self.classes, folder, "--new", "classifier.*").succeeded()
        try begin(Self.classes, folder, "--new", "clasifier.*").failed(
            2, saying: "--new 'clasifier.*': no parameter has such a name")
    }
}

extension TensorFile.Tensor {
    fileprivate var withFirstByteChanged: Self {
        .init(dtype: dtype, shape: shape, bytes: [bytes[0] ^ 1] + bytes.dropFirst())
    }
}
