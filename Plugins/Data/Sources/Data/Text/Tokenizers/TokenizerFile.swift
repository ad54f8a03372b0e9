import LaminaFormats
import LaminaSDK

/// What a `tokenizer.json` says, as far as this plugin has it: normalizer, pre-tokenizer, model, decoder.
///
/// The form is that of the Hugging Face `tokenizers` library, which reads these files, too.
struct TokenizerFile {
    enum Model: Equatable {
        /// A piece is one token.
        case wordLevel
        /// A piece begins as its characters, or bytes; neighbours are joined in the order of the merges.
        case pairs(merges: [Merge])
    }

    /// Two tokens that may be joined, and what they become.
    struct Merge: Equatable {
        var left: Int32
        var right: Int32
        var result: Int32
    }

    /// How tokens become text again.
    enum Joining: Equatable {
        case spaces, nothing, bytes
    }

    var lowercases = false
    var splitting = Splitting.none
    var joining = Joining.spaces
    var model = Model.wordLevel
    /// By id.
    var tokens: [String]
    /// The id for what the vocabulary lacks.
    var unknown: Int?
    /// Ids that are left out of decoded text, and never found in text.
    var specials: Set<Int> = []
    /// Ids that words outside of the vocabulary share, by hash, if there are any.
    var buckets: Range<Int> = 0..<0

    /// JSON values that a file may hold: tokens, merges, and what else it says.
    static let mostValues = 8_000_000
    /// Tokens that are learned at most. Of byte pairs, nearly each has a merge, which is a value, too.
    static let mostTokens = 3_000_000.0

    /// Tokens that vocabularies made here begin with, in the order of `SpecialToken`.
    static let specialNames = ["<pad>", "<unk>", "<bos>", "<eos>"]

    static func bucketName(_ number: Int) -> String { "<oov:\(number)>" }

    /// A vocabulary made here: special tokens, buckets, then `words`.
    init(words: [String], buckets: Int = 0) {
        tokens = Self.specialNames + (0..<buckets).map(Self.bucketName) + words
        unknown = Int(SpecialToken.unknown.rawValue)
        specials = Set(Self.specialNames.indices)
        self.buckets = Self.specialNames.count..<Self.specialNames.count + buckets
    }

    /// Names that other vocabularies give their special tokens, most usual first.
    private static let names: [SpecialToken: [String]] = [
        .padding: ["<pad>", "[PAD]", "<|pad|>"], .unknown: ["<unk>", "[UNK]"],
        .begin: ["<bos>", "<s>", "[CLS]", "<|begin_of_text|>", "<|startoftext|>"],
        .end: ["<eos>", "</s>", "[SEP]", "<|end_of_text|>", "<|endoftext|>"],
    ]

    func special(_ token: SpecialToken, _ table: ByteTable) -> Int? {
        if token == .unknown, let unknown { return unknown }
        return Self.names[token]!.lazy.compactMap { table.find($0) }.first { specials.contains($0) }
    }
}

// MARK: Writing

extension TokenizerFile {
    var json: JSON {
        let added = specials.sorted().map { id -> JSON in
            [
                "id": .integer(Int64(id)), "content": .string(tokens[id]), "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            ]
        }
        return [
            "version": "1.0", "truncation": .null, "padding": .null, "added_tokens": .array(added),
            "normalizer": lowercases ? ["type": "Lowercase"] : .null, "pre_tokenizer": splitting.json,
            "post_processor": .null, "decoder": joining.json, "model": modelJSON,
        ]
    }

    private var modelJSON: JSON {
        let vocabulary = JSON.object(JSONObject(tokens.enumerated().map { ($1, .integer(Int64($0))) }))
        switch model {
        case .wordLevel:
            return [
                "type": "WordLevel", "vocab": vocabulary, "unk_token": .string(unknown.map { tokens[$0] } ?? ""),
            ]
        case .pairs(let merges):
            return [
                "type": "BPE", "dropout": .null, "unk_token": unknown.map { .string(tokens[$0]) } ?? .null,
                "continuing_subword_prefix": .null, "end_of_word_suffix": .null, "fuse_unk": false,
                "byte_fallback": false, "vocab": vocabulary,
                "merges": .array(merges.map { .string("\(tokens[Int($0.left)]) \(tokens[Int($0.right)])") }),
            ]
        }
    }
}

extension Splitting {
    fileprivate var json: JSON {
        switch self {
        case .none: .null
        case .whitespace: ["type": "WhitespaceSplit"]
        case .punctuation: ["type": "BertPreTokenizer"]
        case .wordsAndSymbols: ["type": "Whitespace"]
        case .byteLevel:
            ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true]
        }
    }
}

extension TokenizerFile.Joining {
    fileprivate var json: JSON {
        switch self {
        case .spaces: .null
        case .nothing: ["type": "Fuse"]
        case .bytes: ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true]
        }
    }
}
