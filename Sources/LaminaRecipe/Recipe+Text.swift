import LaminaFormats
import LaminaGraph

extension Recipe {
    /// How a field of text becomes a tensor of ids (N, T), int64, padded to the longest text of the batch.
    public struct TextEntry: Sendable, Equatable {
        /// The model's input that it fills, or "target".
        public var name: String
        /// The source's field of text.
        public var field: String
        /// nil: that of `sameAs`, or of the first entry over the same field that has one.
        public var tokenizer: Component?
        public var sameAs: String?
        /// Whether <bos> and <eos> are put around the text.
        public var begin: Bool
        public var end: Bool
        /// Tokens at most, with those two.
        public var maximum: Int?
        public var tooLong: TooLong
        /// The input that gets the number of tokens of each text, (N), int64.
        public var lengthName: String?
        /// T is a multiple of it, so that there are few different ones.
        public var round: Int
        /// All texts are one stream, of which each step sees so many tokens, and predicts those that follow.
        public var stream: Int?
        public var place: Place

        /// What happens to texts with more tokens than `maximum`.
        public enum TooLong: String, Sendable, CaseIterable { case cut, error, skip }

        public static let defaultRound = 8

        public init(
            _ name: String, field: String? = nil, tokenizer: Component? = nil, sameAs: String? = nil,
            begin: Bool = false,
            end: Bool = false, maximum: Int? = nil, tooLong: TooLong = .cut, lengthName: String? = nil,
            round: Int = Self.defaultRound, stream: Int? = nil, place: Place = Place(line: 1, column: 1)
        ) {
            self.name = name
            self.field = field ?? name
            self.tokenizer = tokenizer
            self.sameAs = sameAs
            (self.begin, self.end) = (begin, end)
            self.maximum = maximum
            self.tooLong = tooLong
            self.lengthName = lengthName
            self.round = round
            self.stream = stream
            self.place = place
        }

        /// The tokens that are put around a text.
        public var added: Int { (begin ? 1 : 0) + (end ? 1 : 0) }
    }
}

extension [Recipe.TextEntry] {
    /// The name of the entry whose tokenizer an entry uses; nil: there is none.
    public func owner(of entry: Recipe.TextEntry) -> String? {
        var entry = entry
        // A chain of `same_as` that is longer than the list goes round in circles.
        for _ in indices {
            if entry.tokenizer != nil { return entry.name }
            if let other = entry.sameAs {
                guard let next = first(where: { $0.name == other }) else { return nil }
                entry = next
            } else {
                return first { $0.tokenizer != nil && $0.field == entry.field }?.name
            }
        }
        return nil
    }

    /// The name of the dimension of tokens: entries over the same field share it.
    public func timeDimension(of entry: Recipe.TextEntry) -> String {
        "T_" + (first { $0.field == entry.field } ?? entry).name
    }

    /// The inputs that they fill: ids (N, T), and lengths (N).
    public var inputs: [GraphDefinition.Input] {
        let batch = GraphDefinition.Size.symbol(Recipe.batchDimension)
        return flatMap { entry -> [GraphDefinition.Input] in
            let ids = GraphDefinition.Input(entry.name, .int64, [batch, .symbol(timeDimension(of: entry))])
            let lengths = entry.lengthName.map { GraphDefinition.Input($0, .int64, [batch]) }
            return (entry.name == GraphDefinition.targetName ? [] : [ids]) + (lengths.map { [$0] } ?? [])
        }
    }
}

extension Recipe.TextEntry {
    /// What recipes and archives say of it. `tokenizer` is written by the caller, who knows what its paths are relative to.
    public func json(_ tokenizer: JSON?) -> JSONObject {
        var object: JSONObject = ["from": .string(field)]
        object["tokenizer"] = tokenizer
        object["same_as"] = sameAs.map { .string($0) }
        if begin { object["begin"] = true }
        if end { object["end"] = true }
        object["maximum"] = maximum.map { .integer(Int64($0)) }
        if maximum != nil { object["too_long"] = .string(tooLong.rawValue) }
        object["length"] = lengthName.map { .string($0) }
        object["round"] = .integer(Int64(round))
        object["stream"] = stream.map { .integer(Int64($0)) }
        return object
    }

    /// From what archives say; the tokenizer is the caller's.
    public init(_ name: String, json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        self.init(name, field: try fields.read("from"))
        _ = try fields.readIfPresent("tokenizer", as: JSON.self)
        sameAs = try fields.readIfPresent("same_as")
        begin = try fields.readIfPresent("begin") ?? false
        end = try fields.readIfPresent("end") ?? false
        maximum = try fields.readIfPresent("maximum")
        let text = try fields.readIfPresent("too_long", as: String.self) ?? TooLong.cut.rawValue
        guard let known = TooLong(rawValue: text) else {
            throw JSONError(.wrongValue, "'\(text)' is none of cut, error, skip", path: fields.path(of: "too_long"))
        }
        tooLong = known
        lengthName = try fields.readIfPresent("length")
        round = try fields.read("round")
        stream = try fields.readIfPresent("stream")
        try fields.finish()
        guard (1...1 << 20).contains(round), maximum ?? added + 1 > added, maximum ?? 1 <= 1 << 31, stream ?? 1 >= 1,
            stream ?? 1 <= 1 << 31
        else { throw JSONError(.wrongValue, "a number is out of range", path: path) }
    }
}
