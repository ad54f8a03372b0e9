import LaminaSDK

/// A vocabulary at work: pieces to ids and back. What every tokenizer of this plugin is made of.
final class Vocabulary {
    private let file: TokenizerFile
    private let table: ByteTable
    private let merger: PairMerger?
    /// Of byte-level tokens: what each stands for.
    private let tokenBytes: [[UInt8]]
    private var lowered: [UInt8] = []

    init(_ file: TokenizerFile) throws(PluginError) {
        self.file = file
        var table = ByteTable(minimumCapacity: file.tokens.count)
        for token in file.tokens { _ = table.add(token) }
        self.table = table
        if case .pairs(let merges) = file.model {
            merger = PairMerger(file, merges, table)
        } else {
            merger = nil
        }
        if file.joining == .bytes {
            tokenBytes = file.tokens.map { ByteAlphabet.bytes($0) ?? Array($0.utf8) }
        } else {
            tokenBytes = []
        }
    }

    var size: Int { file.tokens.count }

    func special(_ token: SpecialToken) -> Int? { file.special(token, table) }

    func token(_ id: Int) -> String? { file.tokens.indices.contains(id) ? file.tokens[id] : nil }

    func id(of token: String) -> Int? { table.find(token) }

    func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) throws(PluginError) {
        guard file.lowercases else { return try encodeNormal(text, into: &ids) }
        lowered.removeAll(keepingCapacity: true)
        Lowercase.append(text, to: &lowered)
        let copy = lowered
        let result = copy.withUnsafeBufferPointer { text in
            Result { () throws(PluginError) in try encodeNormal(text, into: &ids) }
        }
        try result.get()
    }

    private func encodeNormal(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) throws(PluginError) {
        var fault: PluginError?
        file.splitting.forEachPiece(text) { range in
            let piece = UnsafeBufferPointer(rebasing: text[range])
            if let merger {
                if !merger.encode(piece, into: &ids), fault == nil {
                    fault = .data(
                        "the vocabulary lacks a character of '\(String(decoding: piece.prefix(40), as: UTF8.self))' and "
                            + "has no token for unknown ones")
                }
            } else {
                ids.append(Int64(wordID(piece)))
            }
        }
        if let fault { throw fault }
    }

    private func wordID(_ word: UnsafeBufferPointer<UInt8>) -> Int {
        if let id = table.find(word), !file.specials.contains(id), !file.buckets.contains(id) { return id }
        guard !file.buckets.isEmpty else { return file.unknown! }
        return file.buckets.lowerBound + Int(ByteTable.hash(word) % UInt64(file.buckets.count))
    }

    func decode(_ ids: UnsafeBufferPointer<Int64>) throws(PluginError) -> [UInt8] {
        var text: [UInt8] = []
        var isFirst = true
        for id in ids {
            guard id >= 0, id < size else {
                throw .data("there is no token \(id): ids run from 0 to \(size - 1)")
            }
            if file.specials.contains(Int(id)) { continue }
            if file.joining == .spaces, !isFirst { text.append(UInt8(ascii: " ")) }
            isFirst = false
            if file.joining == .bytes {
                text += tokenBytes[Int(id)]
            } else {
                text += file.tokens[Int(id)].utf8
            }
        }
        return text
    }
}

/// Lower case scalar by scalar, as Unicode maps it without regard to neighbours and languages.
enum Lowercase {
    static func append(_ text: UnsafeBufferPointer<UInt8>, to result: inout [UInt8]) {
        var position = 0
        while position < text.count {
            let byte = text[position]
            if byte < 0x80 {
                result.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
                position += 1
                continue
            }
            let scalar = TextScalar(text, at: position)
            if let value = scalar.scalar {
                result += value.properties.lowercaseMapping.utf8
            } else {
                result.append(byte)
            }
            position += scalar.length
        }
    }
}

/// A tokenizer that is nothing but the vocabulary in its tokenizer.json: what all of this plugin are once they are trained.
protocol VocabularyTokenizer: Tokenizer {
    var vocabulary: Vocabulary { get }
}

extension VocabularyTokenizer {
    public var vocabularySize: Int { vocabulary.size }
    public func special(_ token: SpecialToken) -> Int? { vocabulary.special(token) }
    public func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) throws {
        try vocabulary.encode(text, into: &ids)
    }
    public func decode(_ ids: UnsafeBufferPointer<Int64>) throws -> [UInt8] { try vocabulary.decode(ids) }
    public func token(_ id: Int) -> String? { vocabulary.token(id) }
    public func id(of token: String) -> Int? { vocabulary.id(of: token) }
}
