import LaminaSDK
import LaminaTesting

/// A vocabulary for tests: the words that it was given, in their order. Special are those with the usual names.
final class WordList: Tokenizer {
    static let name = "word_list"
    static let documentation = "Words between spaces."

    private let words: [String]

    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) {
        words = String(decoding: json, as: UTF8.self).split(separator: " ").map(String.init)
    }

    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try texts.forEach { bytes += $0 }
        return bytes
    }

    var vocabularySize: Int { words.count }
    func special(_ token: SpecialToken) -> Int? {
        let names: [SpecialToken: String] = [
            .padding: "<pad>", .unknown: "<unk>", .begin: "<bos>", .end: "<eos>",
        ]
        return id(of: names[token]!)
    }
    func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) {
        for word in String(decoding: text, as: UTF8.self).split(separator: " ") {
            ids.append(Int64(id(of: String(word)) ?? special(.unknown) ?? 0))
        }
    }
    func decode(_ ids: UnsafeBufferPointer<Int64>) -> [UInt8] {
        Array(ids.compactMap { token(Int($0)) }.joined(separator: " ").utf8)
    }
    func token(_ id: Int) -> String? { words.indices.contains(id) ? words[id] : nil }
    func id(of token: String) -> Int? { words.firstIndex(of: token) }

    static func harness(_ words: [String]) throws -> TokenizerHarness {
        try TokenizerHarness(.tokenizer(WordList.self), on: [words.joined(separator: " ")])
    }
}
