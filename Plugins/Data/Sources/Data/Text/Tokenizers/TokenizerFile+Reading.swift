import LaminaFormats
import LaminaSDK

extension TokenizerFile {
    /// Reads a file that may be damaged, or of a kind that is not supported; both throw `.data` and say where.
    init(_ bytes: UnsafeRawBufferPointer) throws(PluginError) {
        do throws(JSONError) {
            let json = try JSON.parse(bytes, limits: .init(byteCount: 256 << 20, valueCount: Self.mostValues))
            try self.init(json)
        } catch {
            throw .data("the tokenizer.json is not usable: \(error)")
        }
    }

    private init(_ json: JSON) throws(JSONError) {
        guard case .object(let root) = json else { throw .wrongType(json, wanted: "an object", at: "") }
        guard let model = root["model"], case .string(let type)? = model["type"] else {
            throw JSONError(.missingKey, "the key 'model' with a 'type' is missing", path: "")
        }
        guard let vocabulary = model["vocab"] else {
            throw JSONError(.missingKey, "the key 'vocab' is missing", path: "model")
        }
        let added = try AddedToken.list(root["added_tokens"] ?? .null)
        tokens = try Self.tokens(JSONObject(json: vocabulary, at: "model.vocab"), added)
        specials = Set(added.filter(\.isSpecial).map(\.id))
        var table = ByteTable(minimumCapacity: tokens.count)
        for (id, token) in tokens.enumerated() where !table.add(token).isNew {
            throw JSONError(
                .wrongValue, "two ids have the token \(JSON.string(tokens[id]).text())", path: "model.vocab")
        }
        switch model["unk_token"] ?? .null {
        case .null: unknown = nil
        case .string(let name):
            guard let id = table.find(name) else {
                throw JSONError(.wrongValue, "the token is not in the vocabulary", path: "model.unk_token")
            }
            unknown = id
        case let other: throw .wrongType(other, wanted: "a string", at: "model.unk_token")
        }
        lowercases = try Self.lowercases(root["normalizer"] ?? .null)
        splitting = try Splitting(root["pre_tokenizer"] ?? .null)
        joining = try Joining(root["decoder"] ?? .null)
        switch type {
        case "WordLevel":
            guard unknown != nil else {
                throw JSONError(.wrongValue, "there is no token for unknown words", path: "model.unk_token")
            }
            buckets = Self.buckets(tokens)
            self.model = .wordLevel
        case "BPE": self.model = .pairs(merges: try Self.merges(model, table))
        default:
            throw JSONError(
                .wrongValue, "'\(type.prefix(40))' is not supported: BPE and WordLevel are", path: "model.type")
        }
        try checkBytes(table)
    }

    private struct AddedToken {
        let id: Int
        let content: String
        let isSpecial: Bool

        static func list(_ json: JSON) throws(JSONError) -> [AddedToken] {
            if case .null = json { return [] }
            var tokens: [AddedToken] = []
            for (index, entry) in try [JSONObject](json: json, at: "added_tokens").enumerated() {
                let path = "added_tokens[\(index)]"
                guard case .integer(let id)? = entry["id"], case .string(let content)? = entry["content"] else {
                    throw JSONError(.missingKey, "the keys 'id' and 'content' are missing", path: path)
                }
                tokens.append(.init(id: Int(id), content: content, isSpecial: entry["special"] == .bool(true)))
            }
            return tokens
        }
    }

    /// Every id from 0 on exactly once.
    private static func tokens(_ vocabulary: JSONObject, _ added: [AddedToken]) throws(JSONError) -> [String] {
        let limit = vocabulary.count + added.count
        var tokens = [String?](repeating: nil, count: limit)
        func set(_ id: Int, _ token: String, _ path: String) throws(JSONError) {
            guard tokens.indices.contains(id) else {
                throw JSONError(.wrongValue, "id \(id) is beyond the \(limit) tokens: ids have no gaps", path: path)
            }
            if let other = tokens[id], !other.utf8.elementsEqual(token.utf8) {
                throw JSONError(.wrongValue, "id \(id) stands twice", path: path)
            }
            tokens[id] = token
        }
        for member in vocabulary.members {
            guard case .integer(let id) = member.value else {
                throw .wrongType(member.value, wanted: "an integer", at: "model.vocab.\(member.key.prefix(40))")
            }
            try set(Int(id), member.key, "model.vocab")
        }
        for token in added { try set(token.id, token.content, "added_tokens") }
        // Added tokens may stand in the vocabulary, too: then there are fewer than both together.
        while let last = tokens.last, last == nil { tokens.removeLast() }
        guard !tokens.isEmpty else { throw JSONError(.wrongValue, "the vocabulary is empty", path: "model.vocab") }
        guard let hole = tokens.firstIndex(where: { $0 == nil }) else { return tokens.map { $0! } }
        throw JSONError(.wrongValue, "no token has id \(hole)", path: "model.vocab")
    }

    /// Tokens "<oov:0>", "<oov:1>", … that stand side by side.
    private static func buckets(_ tokens: [String]) -> Range<Int> {
        guard let first = tokens.firstIndex(of: bucketName(0)) else { return 0..<0 }
        var end = first
        while end < tokens.count, tokens[end] == bucketName(end - first) { end += 1 }
        return first..<end
    }

    private static func lowercases(_ json: JSON) throws(JSONError) -> Bool {
        if case .null = json { return false }
        if json["type"] == "Lowercase" { return true }
        throw JSONError(.wrongValue, "\(name(of: json)) is not supported: Lowercase is", path: "normalizer")
    }

    fileprivate static func name(of json: JSON) -> String {
        if case .string(let type)? = json["type"] { "'\(type.prefix(40))'" } else { json.kindName }
    }

    private static func merges(_ model: JSON, _ table: ByteTable) throws(JSONError) -> [Merge] {
        let plain: [(String, [JSON])] = [
            ("dropout", [.null]), ("continuing_subword_prefix", [.null, ""]), ("end_of_word_suffix", [.null, ""]),
            ("fuse_unk", [.null, false]), ("byte_fallback", [.null, false]), ("ignore_merges", [.null, false]),
        ]
        for (key, values) in plain where !values.contains(model[key] ?? .null) {
            throw JSONError(.wrongValue, "\((model[key] ?? .null).text()) is not supported", path: "model.\(key)")
        }
        guard case .array(let entries)? = model["merges"] else {
            throw JSONError(.missingKey, "the key 'merges' is missing", path: "model")
        }
        var merges: [Merge] = []
        merges.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            let path = "model.merges[\(index)]"
            var parts: [String] = []
            switch entry {
            case .string(let text):
                parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            case .array: parts = try [String](json: entry, at: path)
            default: break
            }
            guard parts.count == 2 else { throw JSONError(.wrongValue, "wanted two tokens", path: path) }
            guard let left = table.find(parts[0]), let right = table.find(parts[1]),
                let result = table.find(parts[0] + parts[1])
            else { throw JSONError(.wrongValue, "a token is not in the vocabulary", path: path) }
            merges.append(Merge(left: Int32(left), right: Int32(right), result: Int32(result)))
        }
        return merges
    }

    /// With bytes as characters, every byte has to have its token.
    private func checkBytes(_ table: ByteTable) throws(JSONError) {
        guard splitting == .byteLevel || joining == .bytes else { return }
        guard case .pairs = model, splitting == .byteLevel, joining == .bytes else {
            throw JSONError(.wrongValue, "pre-tokenizer, decoder and model are not all byte-level", path: "")
        }
        for byte in UInt8.min...UInt8.max where table.find(ByteAlphabet.text([byte])) == nil {
            throw JSONError(.wrongValue, "there is no token for byte \(byte)", path: "model.vocab")
        }
    }
}

extension Splitting {
    fileprivate init(_ json: JSON) throws(JSONError) {
        switch json["type"] {
        case nil where json == .null: self = .none
        case "WhitespaceSplit": self = .whitespace
        case "BertPreTokenizer": self = .punctuation
        case "Whitespace": self = .wordsAndSymbols
        case "ByteLevel":
            guard json["add_prefix_space"] == false, json["use_regex"] ?? true == true else {
                throw JSONError(
                    .wrongValue, "ByteLevel is supported with add_prefix_space: false and use_regex: true",
                    path: "pre_tokenizer")
            }
            self = .byteLevel
        default:
            throw JSONError(
                .wrongValue,
                "\(TokenizerFile.name(of: json)) is not supported: WhitespaceSplit, Whitespace, BertPreTokenizer and "
                    + "ByteLevel are", path: "pre_tokenizer")
        }
    }
}

extension TokenizerFile.Joining {
    fileprivate init(_ json: JSON) throws(JSONError) {
        switch json["type"] {
        case nil where json == .null: self = .spaces
        case "Fuse": self = .nothing
        case "ByteLevel": self = .bytes
        default:
            throw JSONError(
                .wrongValue, "\(TokenizerFile.name(of: json)) is not supported: Fuse and ByteLevel are",
                path: "decoder")
        }
    }
}
