import LaminaSDK

/// Letters that were seen as ids, in their order; the vocabulary is a JSON string of them.
final class Letters: Tokenizer {
    static let name = "letters"
    static let documentation = "Bytes that were seen."
    static let attributes: [AttributeSchema] = [.bool("overshoots", default: false, "Whether it is wrong.")]

    private let letters: [UInt8]
    private let overshoots: Bool

    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) throws {
        guard json.count >= 2, json.first == UInt8(ascii: "\""), json.last == UInt8(ascii: "\"") else {
            throw PluginError.data("this is no JSON string")
        }
        letters = Array(json.dropFirst().dropLast())
        overshoots = attributes.bool("overshoots")
    }

    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8] {
        var seen: [UInt8] = []
        try texts.forEach { text in
            for byte in text where !seen.contains(byte) { seen.append(byte) }
        }
        guard !seen.isEmpty else { throw PluginError.data("there is nothing to learn") }
        return [UInt8(ascii: "\"")] + seen + [UInt8(ascii: "\"")]
    }

    var vocabularySize: Int { letters.count }
    func special(_ token: SpecialToken) -> Int? { token == .unknown ? 0 : nil }
    func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) {
        for byte in text { ids.append(Int64(overshoots ? letters.count : letters.firstIndex(of: byte) ?? 0)) }
    }
    func decode(_ ids: UnsafeBufferPointer<Int64>) throws -> [UInt8] {
        try ids.map { id in
            guard letters.indices.contains(Int(id)) else { throw PluginError.data("there is no token \(id)") }
            return letters[Int(id)]
        }
    }
    func token(_ id: Int) -> String? {
        letters.indices.contains(id) ? String(decoding: [letters[id]], as: UTF8.self) : nil
    }
    func id(of token: String) -> Int? { letters.firstIndex { Array(token.utf8) == [$0] } }
}

/// Text fields alone.
final class Lines: Source {
    static let name = "lines"
    static let documentation = "Three lines in two languages."
    static let attributes: [AttributeSchema] = [.bool("loses_one", default: false, "Whether it is wrong.")]
    let description = SourceDescription(count: 3, fields: [], textFields: ["german", "english"])
    private let losesOne: Bool

    init(_ attributes: Attributes, host: Host) { losesOne = attributes.bool("loses_one") }

    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) {}

    func readText(
        _ field: Int, _ indices: UnsafeBufferPointer<Int64>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        let lines = [["eins", "zwei", "drei"], ["one", "two", ""]][field]
        for index in losesOne ? UnsafeBufferPointer(rebasing: indices.dropFirst()) : indices {
            guard index < 3 else { throw PluginError.data("there is no line \(index)") }
            var line = lines[Int(index)]
            try line.withUTF8(body)
        }
    }
}
