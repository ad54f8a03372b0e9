import LaminaSDK

/// A text that grows token by token: a prompt, and what follows it up to a stop word.
struct GeneratedText {
    private let language: LanguageModel
    private(set) var tokens: [Int64]
    /// All that `add` and `finish` have returned.
    private(set) var told = ""
    private var running = RunningText()
    private var stops: StopWords
    private var isBegun = false

    init(_ language: LanguageModel, _ prompt: [Int64], _ stops: StopWords) {
        (self.language, self.tokens, self.stops) = (language, prompt, stops)
    }

    /// Whether a stop word is reached.
    var isStopped: Bool { stops.isReached }

    /// What can be told with a token more; with the first, also the prompt.
    mutating func add(_ token: Int64) throws -> String {
        let prompt = try begin()
        tokens.append(token)
        return tell(try prompt + stops.next(next(isWhole: false)))
    }

    /// What was held back: no token follows.
    mutating func finish() throws -> String {
        let prompt = try begin()
        return tell(try prompt + stops.next(next(isWhole: true)) + stops.rest())
    }

    /// The prompt, the first time: stop words within it stop nothing.
    private mutating func begin() throws -> String {
        defer { isBegun = true }
        return isBegun ? "" : try next(isWhole: false)
    }

    private mutating func tell(_ text: String) -> String {
        told += text
        return text
    }

    private mutating func next(isWhole: Bool) throws -> String {
        let (language, tokens) = (language, tokens)
        return try running.next(tokens[language.added...], isWhole: isWhole) {
            try language.model.decode($0, for: language.input.name)
        }
    }
}
