import LaminaFormats
import LaminaTesting
import Testing

@testable import Data

/// What the Hugging Face tokenizers library learns from a corpus and makes of texts, `Golden/tokenizers/generate.py`.
@Suite struct TokenizerGoldenTests {
    static let expected = try! JSON.parse(golden("tokenizers/expected.json"))

    static var corpus: [String] {
        String(decoding: golden("tokenizers/corpus.txt"), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    static var texts: [String] {
        guard case .array(let texts)? = expected["texts"] else { return [] }
        return texts.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    static let cases: [(file: String, component: String, attributes: JSONObject)] = [
        ("words", "words", ["vocabulary": 200]),
        ("punctuation", "words", ["vocabulary": 200, "punctuation": true, "lowercase": true]),
        ("characters", "characters", [:]),
        ("bpe", "bpe", ["vocabulary": 500]),
    ]

    func check(_ tokenizer: TokenizerHarness, _ name: String) throws {
        let wanted = try #require(Self.expected[name])
        let (ids, decoded) = (try #require(wanted["ids"]), try #require(wanted["decoded"]))
        #expect(Self.texts.count >= 12)
        for (index, text) in Self.texts.enumerated() {
            let got = try tokenizer.encode(text)
            #expect(JSON.array(got.map { .integer(Int64($0)) }) == ids[index], "\(name): \(text)")
            #expect(
                JSON.string(String(decoding: try tokenizer.decode(got), as: UTF8.self)) == decoded[index], "\(text)")
        }
    }

    /// The library's own files are read, and give its ids.
    @Test(arguments: cases.map(\.file) + ["symbols"]) func readsFiles(file: String) throws {
        let path = JSON.string(goldenPath("tokenizers/\(file).json"))
        let tokenizer = try TokenizerHarness(tokenizer("tokenizer_file"), ["path": path], on: [String]())
        #expect(tokenizer.json == golden("tokenizers/\(file).json"))
        try check(tokenizer, file)
        #expect((0..<4).map { tokenizer.special(.init(rawValue: Int32($0))!) } == [0, 1, 2, 3])
    }

    /// What is learned here is what the library learns: the same tokens with the same ids, the same merges.
    @Test(arguments: cases.map(\.file)) func learnsTheSame(file: String) throws {
        let (_, component, attributes) = try #require(Self.cases.first { $0.file == file })
        let own = try TokenizerHarness(tokenizer(component), attributes, on: Self.corpus)
        try check(own, file)
        let (left, right) = (try JSON.parse(own.json), try JSON.parse(golden("tokenizers/\(file).json")))
        #expect(left["model"]?["vocab"].map(sorted) == right["model"]?["vocab"].map(sorted))
        #expect(left["model"]?["merges"].map(merges) == right["model"]?["merges"].map(merges))
        #expect(left["added_tokens"] == right["added_tokens"])
        // A file of our own is read by us as any other.
        try check(try TokenizerHarness(tokenizer("tokenizer_file"), ["path": "unused"], json: own.json), file)
    }

    private func sorted(_ vocabulary: JSON) -> [String] {
        guard case .object(let object) = vocabulary else { return [] }
        return object.members.map { "\($0.value.text()) \($0.key)" }.sorted()
    }

    private func merges(_ merges: JSON) -> [String] {
        guard case .array(let entries) = merges else { return [] }
        return entries.map { entry in
            switch entry {
            case .string(let text): text
            case .array(let parts):
                parts.map { if case .string(let part) = $0 { part } else { "?" } }.joined(separator: " ")
            default: "?"
            }
        }
    }
}
