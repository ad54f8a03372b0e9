import LaminaSDK

/// Unicode scalars as tokens, those that were seen in their order, behind the special ones: for tests of what takes tokens.
final class ScalarTokenizer: Tokenizer {
    static let name = "scalars"
    static let documentation = "Unicode scalars."

    private let tokens: [String]

    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) {
        let known = String(decoding: json, as: UTF8.self).unicodeScalars.map { String($0) }
        tokens = ["<pad>", "<unk>", "<bos>", "<eos>"] + known
    }

    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8] {
        var seen: [Unicode.Scalar] = []
        try texts.forEach { text in
            for scalar in String(decoding: text, as: UTF8.self).unicodeScalars where !seen.contains(scalar) {
                seen.append(scalar)
            }
        }
        return seen.flatMap { Array(String($0).utf8) }
    }

    var vocabularySize: Int { tokens.count }
    func special(_ token: SpecialToken) -> Int? { Int(token.rawValue) }
    func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) {
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            ids.append(Int64(tokens.firstIndex(of: String(scalar)) ?? 1))
        }
    }
    func decode(_ ids: UnsafeBufferPointer<Int64>) throws -> [UInt8] {
        try ids.flatMap { id -> [UInt8] in
            guard let token = token(Int(id)) else { throw PluginError.data("there is no token \(id)") }
            return id < 4 ? [] : Array(token.utf8)
        }
    }
    func token(_ id: Int) -> String? { tokens.indices.contains(id) ? tokens[id] : nil }
    func id(of token: String) -> Int? { tokens.firstIndex(of: token) }
}

extension TokenizerHarness {
    /// Tokens 0 to 3 are `<pad>`, `<unk>`, `<bos>` and `<eos>`; behind them stand the scalars of `text` in their order.
    public static func scalars(_ text: String) throws -> TokenizerHarness {
        try TokenizerHarness(.tokenizer(ScalarTokenizer.self), on: [text])
    }
}
