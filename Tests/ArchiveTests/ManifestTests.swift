import LaminaFormats
import Testing

@testable import LaminaArchive

@Suite("Manifest")
struct ManifestTests {
    @Test("it survives writing and reading, and equal manifests have equal bytes")
    func roundTrip() throws {
        var manifest = Sample.manifest
        manifest.tied = [.init(tensor: "head.weight", source: "embedding.weight")]
        manifest.extensions = ["later": [1, 2]]
        manifest.files = [.init(path: "graph.json", role: "graph", size: 3, sha256: String(repeating: "0f", count: 32))]
        let bytes = manifest.json.bytes(.pretty)
        #expect(try Manifest(json: JSON.parse(bytes), at: "") == manifest)
        let again = manifest
        #expect(again.json.bytes(.pretty) == bytes)
    }

    @Test("the text is exactly this")
    func golden() throws {
        var manifest = Manifest(model: .init(name: "m", version: "1", parameters: 2, dtypes: [.f32], licence: ""))
        manifest.signature.inputs = [.init(name: "x", dtype: .f32, shape: [.symbol("N"), .fixed(4)])]
        manifest.files = [.init(path: "graph.json", role: "graph", size: 3, sha256: String(repeating: "0", count: 64))]
        #expect(
            manifest.json.text()
                == #"{"model":{"name":"m","version":"1","parameters":2,"dtypes":["F32"],"licence":""},"plugins":[],"#
                + #""signature":{"inputs":[{"name":"x","dtype":"F32","shape":["N",4],"meaning":""}],"outputs":[]},"#
                + #""preprocess":{"decode":{},"steps":[]},"tied":[],"training":{},"#
                + #""files":[{"path":"graph.json","role":"graph","size":3,"sha256":"\#(String(repeating: "0", count: 64))"}]}"#
        )
    }

    /// What is replaced in the sample manifest's text, by what, and the message that follows.
    static let faults: [(old: String, new: String, message: String)] = [
        (#""version": "1.0.0""#, #""version": 1"#, "model.version: wanted a string, got an integer"),
        (#""parameters": 6"#, #""parameters": 6.0"#, "model.parameters: wanted an integer, got a number"),
        (#""parameters": 6"#, #""parameters": -6"#, "model.parameters: wanted 0 or more, got -6"),
        (
            #""parameters": 6"#, #""parameters": 9223372036854775808"#,
            "line 5, column 19 (byte 79): the integer does not fit 64 bits"
        ),
        (
            #""parameters": 6"#, #""parameters": 1e309"#,
            "line 5, column 19 (byte 79): the number is beyond the range of a double"
        ),
        (#""parameters": 6"#, #""parameter": 6"#, #"model: the key "parameters" is missing"#),
        (
            #""parameters": 6"#, #""parameters": 6, "params": 6"#,
            #"model: unknown key "params"; known are 'name', 'version', 'parameters', 'dtypes', 'licence'"#
        ),
        (
            #""parameters": 6"#, #""parameters": 6, "name": "other""#,
            #"line 5, column 22 (byte 82): the key "name" stands twice in this object"#
        ),
        (
            #""parameters": 6"#, #""parameters": 6, "n\u0061me": "other""#,
            #"line 5, column 22 (byte 82): the key "name" stands twice in this object"#
        ),
        (#"["F32"]"#, #"["float"]"#, #"model.dtypes[0]: unknown dtype "float"; known are "#),
        (#""sample""#, #""sam\u001b]0;ple""#, "model.name: the text has the control character U+1B"),
        (#""sample""#, #""sam\u202eple""#, "model.name: the text has the control character U+202E"),
        (#""sample""#, #""sam\ud800ple""#, "a high surrogate without its low surrogate"),
        (#""zero""#, #""ze\nro""#, "labels[0]: the text has the control character U+A"),
        (
            #""versions": ">=1.2.0 <2.0.0""#, #""versions": "1.2""#,
            #"plugins[0].versions: wanted version bounds such as ">=1.2.0 <2.0.0""#
        ),
        (#""abi": "1.0""#, #""abi": "1""#, #"plugins[0].abi: wanted an ABI version such as "1.0""#),
        (#""version": 1"#, #""version": "1""#, "plugins[0].components[0].version: wanted an integer, got a string"),
        (#"["N", 2]"#, #"["N", -2]"#, "signature.inputs[0].shape[1]: wanted a size of 0 or more, got -2"),
        (
            #"["N", 2]"#, #"["N*2", 2]"#,
            "signature.inputs[0].shape[0]: a free dimension is named by up to 32 letters, digits and '_'"
        ),
        (#"["N", 2]"#, #"[1,1,1,1,1,1,1,1,1]"#, "signature.inputs[0].shape: more than 8 dimensions"),
        (#"["N", 2]"#, #"[true, 2]"#, "signature.inputs[0].shape[0]: wanted an integer or a name, got a boolean"),
        (
            #""tied": []"#, #""tied": [{"tensor":"a","source":"b"},{"tensor":"b","source":"c"}]"#,
            "tied: 'a' is tied to a parameter that is tied itself"
        ),
        (
            #""tied": []"#, #""tied": [{"tensor":"a","source":"b"},{"tensor":"a","source":"c"}]"#,
            "tied: 'a' stands twice"
        ),
        (#""tied": [],"#, "", #"the key "tied" is missing"#),
        (
            #""tied": []"#, #""tied": [], "allow_bundled_plugins": true"#,
            #"unknown key "allow_bundled_plugins"; known are "#
        ),
        (
            #""role": "weights""#, #""role": "plugin""#,
            #"files[2].role: wanted "weights" for 'weights/model.safetensors'"#
        ),
        (#""path": "graph.json""#, #""path": "../graph.json""#, "files[1].path: a level of the name has only dots"),
        (#""path": "graph.json""#, #""path": "manifest.json""#, "files[1].path: 'manifest.json' is not to be listed"),
        (
            #""path": "graph.json""#, #""path": "signatures/a.json""#,
            "files[1].path: 'signatures/a.json' is not to be listed"
        ),
        (#""seed": 1"#, #""seed": 01"#, "a number with a leading zero"),
        (#""seed": 1"#, #""seed": NaN"#, "expected a value, found 'N'"),
        (
            #""seed": 1"#, "\"seed\": \(String(repeating: "[", count: 65))\(String(repeating: "]", count: 65))",
            "nested deeper than 64 levels"
        ),
    ]

    @Test("faults of the manifest, each with its place", arguments: faults)
    func fault(old: String, new: String, message: String) throws {
        var forge = try Sample.forge()
        forge.replace(EntryName.manifest, old, with: new)
        let error = try #require(try Sample.fault(forge.bytes), "accepted")
        #expect(error.place == EntryName.manifest)
        #expect(error.kind == .manifest || error.kind == .limit)
        #expect(error.message.contains(message), "\(error.message)")
    }

    @Test(
        "bytes that are no text of JSON",
        arguments: [
            ("byte-order mark", [0xEF, 0xBB, 0xBF], [], "byte-order mark"),
            ("trailing NUL", [], [0], "expected the end"),
            ("trailing object", [], Array("{}".utf8), "expected the end"),
            ("4 MiB of spaces", [], Array(repeating: 0x20, count: 4 << 20), "at most 4194304 are allowed"),
        ] as [(String, [UInt8], [UInt8], String)])
    func notJSON(name: String, before: [UInt8], after: [UInt8], message: String) throws {
        var forge = try Sample.forge()
        forge.replace(EntryName.manifest, before + forge[EntryName.manifest].data + after)
        let error = try #require(try Sample.fault(forge.bytes))
        #expect(error.message.contains(message), "\(error)")
    }

    @Test(
        "digests are 64 lower-case digits",
        arguments: ["", "0", String(repeating: "A", count: 64), String(repeating: "g", count: 64)])
    func digest(text: String) {
        let json: JSON = ["path": "graph.json", "role": "graph", "size": 1, "sha256": .string(text)]
        #expect(throws: JSONError.self) { try Manifest.File(json: json, at: "") }
    }

    @Test(
        "format.json: versions and required features",
        arguments: [
            (#"{"format":"lamina","major":1,"minor":0,"requires":[]}"#, nil),
            (#"{"format":"lamina","major":1,"minor":7,"requires":[],"hint":1}"#, nil),
            (
                #"{"format":"lamina","major":2,"minor":0,"requires":[],"new":1}"#,
                "the archive has format 2.0, this program reads 1.x; install a newer lamina"
            ),
            (
                #"{"format":"lamina","major":0,"minor":9,"requires":[]}"#,
                "the archive has format 0.9, this program reads 1.x; write it anew with this one"
            ),
            (
                #"{"format":"lamina","major":1,"minor":1,"requires":["sparse"]}"#,
                "the archive requires the feature 'sparse', which this program does not know; install a newer lamina"
            ),
            (#"{"format":"onnx","major":1,"minor":0,"requires":[]}"#, #"format: wanted "lamina", got another format"#),
            (
                #"{"format":"lamina","major":1,"minor":0,"requires":[],"hint":1}"#,
                #"unknown key "hint"; known are 'format', 'major', 'minor', 'requires'"#
            ),
            (#"{"format":"lamina","major":1,"minor":0}"#, #"the key "requires" is missing"#),
            (#"{"format":"lamina","major":1.0,"minor":0,"requires":[]}"#, "major: wanted an integer, got a number"),
            (#"[]"#, "wanted an object, got an array"),
        ] as [(String, String?)])
    func format(text: String, message: String?) throws {
        var forge = try Sample.forge()
        let old = forge[EntryName.format].data
        forge.replace(EntryName.format, Array(text.utf8))
        // The manifest must know the new content, or its hash would be the fault.
        forge.replace(EntryName.manifest, sha256(old), with: sha256(Array(text.utf8)))
        forge.replace(EntryName.manifest, "\"size\": \(old.count)", with: "\"size\": \(text.utf8.count)")
        let error = try Sample.fault(forge.bytes)
        #expect(error?.message == message, "\(String(describing: error))")
        #expect(error == nil || error?.place == EntryName.format)
    }

    @Test(
        "version bounds",
        arguments: [
            (">=1.2.0 <2.0.0", "1.2.0", true), (">=1.2.0 <2.0.0", "1.10.3", true), (">=1.2.0 <2.0.0", "2.0.0", false),
            (">=1.2.0 <2.0.0", "1.1.9", false), ("=1.0.0", "1.0.0", true), ("=1.0.0", "1.0.1", false),
            (">1.0.0", "1.0.0", false),
            ("<=1.0.0", "1.0.0", true),
        ])
    func versionRange(range: String, version: String, isInside: Bool) throws {
        let parsed = try #require(VersionRange(range))
        #expect(parsed.contains(try #require(SemanticVersion(version))) == isInside)
        #expect(parsed.description == range)
    }

    @Test("what is no version, and what is compatible")
    func versions() {
        for text in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "-1.2.3", "1.2.3-beta", " 1.2.3", "1.2.9999999999"] {
            #expect(SemanticVersion(text) == nil, "\(text)")
        }
        for text in ["", "1.2.3", ">= 1.2.3", ">=1.2.3  <2.0.0", "~1.2.3", ">=1.2.3,<2.0.0"] {
            #expect(VersionRange(text) == nil, "\(text)")
        }
        #expect(VersionRange(compatibleWith: SemanticVersion(1, 4, 2)).description == ">=1.4.2 <2.0.0")
        #expect(VersionRange(compatibleWith: SemanticVersion(0, 4, 2)).description == ">=0.4.2 <0.5.0")
    }
}
