import LaminaSDK

/// What tasks that go on with a text share: options, the prompt, drawing token by token, telling what is certain.
///
/// A family's task says which of its models it takes and how they take a step:
///
/// ```swift
/// struct Generate: ModelTask {
///     static let name = TextGeneration.name
///     static let documentation = TextGeneration.documentation
///     static let usage = TextGeneration.usage
///     static let attributes = TextGeneration.attributes
///     private let generation: TextGeneration
///     init(_ attributes: Attributes, host: Host) throws {
///         generation = try TextGeneration(attributes, host: host)
///     }
///     func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
///         let language = try LanguageModel(model)
///         try generation.run(language, arguments, answer) { _ in try language.decoder() }
///     }
/// }
/// ```
public struct TextGeneration {
    public static let name = "generate"
    public static let documentation = "Text that a language model goes on with, drawn token by token or searched for."
    public static let usage = "[PROMPT]"
    public static let attributes: [AttributeSchema] = [
        .integer("length", default: 200, 1...1e6, "Tokens to generate."),
        .real("temperature", default: 1, 0...100, "Divides the logits; 0 takes the most probable token."),
        .integer("top_k", default: nil, 1...1e9, "Chooses among so many of the most probable tokens."),
        .real("top_p", default: 1, 0...1, "Chooses among the fewest tokens whose probabilities add up to it."),
        .integer("seed", default: 0, 0...9e15, "Of the random numbers."),
        .integer("samples", default: 1, 1...1e4, "Texts to generate; with a beam, the best so many."),
        .integer(
            "beam", default: nil, 1...1024, "Draws nothing, but searches for the most probable text, in this width."),
        .real(
            "length_penalty", default: 0, 0...10,
            "Alpha of Wu et al. (2016), with a beam: 0 compares log-probabilities as they are."),
        .strings("stop", default: [], "Texts before which the answer ends."),
    ]

    let sampling: Sampling
    let length, samples: Int
    let beam: (width: Int, penalty: Double)?
    let stops: StopWords
    private let seed: UInt64
    private let host: Host

    /// Throws `.attribute` for options that do not go together.
    public init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        sampling = Sampling(
            temperature: attributes.real("temperature"), topK: attributes.optionalInteger("top_k"),
            topP: attributes.real("top_p"))
        length = attributes.integer("length")
        samples = attributes.integer("samples")
        seed = UInt64(attributes.integer("seed"))
        let words = attributes.strings("stop")
        guard words.allSatisfy({ !$0.isEmpty }) else {
            throw PluginError.attribute("stop has an empty text, which stands everywhere: leave it out")
        }
        stops = StopWords(words)
        let penalty = attributes.real("length_penalty")
        beam = attributes.optionalInteger("beam").map { ($0, penalty) }
        if let beam {
            guard sampling.temperature == 1, sampling.topK == nil, sampling.topP == 1, seed == 0 else {
                throw PluginError.attribute("a beam draws nothing: leave out temperature, top_k, top_p and seed")
            }
            guard samples <= beam.width else {
                throw PluginError.attribute("samples is \(samples), but the search keeps \(beam.width): raise beam")
            }
        } else if penalty != 0 {
            throw PluginError.attribute("length_penalty compares the texts of a beam: give beam, or leave it out")
        }
    }

    /// Answers with one text as it comes, or with a row per text.
    ///
    /// - Parameter begin: the model before its first step; it is told how many tokens there will be at most.
    /// - Returns: the tokens of the first text, with those of the prompt.
    @discardableResult
    public func run(
        _ language: LanguageModel, _ arguments: [String], _ answer: TaskAnswer,
        model begin: (_ capacity: Int) throws -> any StepModel
    ) throws -> [Int64] {
        guard arguments.count <= 1 else {
            throw PluginError.attribute("wanted one text to go on from, got \(arguments.count): put it in quotes")
        }
        let prompt = try language.prompt(arguments.first ?? "")
        let capacity = prompt.count + length
        if let beam { return try search(beam, language, prompt, answer, begin(capacity)) }
        var first: [Int64] = []
        for sample in 0..<samples {
            var text = GeneratedText(language, prompt, stops)
            try draw(sample, language, begin(capacity), &text) { if samples == 1 { answer.add(text: $0) } }
            if samples > 1 { answer.addRow(["sample": .integer(sample + 1), "text": .string(text.told)]) }
            if sample == 0 { first = text.tokens }
        }
        return first
    }

    /// Adds tokens until there are enough, the end is drawn, or a stop word is there.
    private func draw(
        _ sample: Int, _ language: LanguageModel, _ model: any StepModel, _ text: inout GeneratedText,
        tell: (String) -> Void
    ) throws {
        let stream = RandomStream(seed: seed, stream: UInt64(sample), offset: 0)
        var random: [Float] = []
        for step in 0..<length {
            if host.isCancelled { throw PluginError.cancelled }
            let logits = try model.step([step == 0 ? text.tokens : [text.tokens.last!]], continuing: [0])
            let known = min(model.vocabulary, language.input.vocabulary)
            try checkLogits(logits, known)
            if sampling.temperature > 0 {
                // How many logits there are is known with the first of them.
                if random.isEmpty { random = Array(repeating: 0, count: 2 * model.vocabulary) }
                host.uniform(stream, first: step * random.count, into: &random, count: random.count)
            }
            let token = try sampling.choose(logits, known, random: random, forbidden: language.input.forbidden)
            if token == language.input.end { break }
            tell(try text.add(token))
            if text.isStopped { return }
        }
        tell(try text.finish())
    }

    private func search(
        _ beam: (width: Int, penalty: Double), _ language: LanguageModel, _ prompt: [Int64], _ answer: TaskAnswer,
        _ model: any StepModel
    ) throws -> [Int64] {
        var search = BeamSearch(begin: prompt, end: language.input.end)
        (search.width, search.penalty, search.maximum) = (beam.width, beam.penalty, length)
        (search.forbidden, search.vocabulary) = (language.input.forbidden, language.input.vocabulary)
        func text(_ hypothesis: Hypothesis) throws -> GeneratedText {
            var text = GeneratedText(language, prompt, stops)
            for token in hypothesis.tokens where token != language.input.end && !text.isStopped {
                _ = try text.add(token)
            }
            if !text.isStopped { _ = try text.finish() }
            return text
        }
        if !stops.isEmpty {
            let known = Array(prompt[language.added...])
            let before = try language.model.decode(known, for: language.input.name).utf8.count
            search.isComplete = { hypothesis in
                let text = try language.model.decode(known + hypothesis.tokens, for: language.input.name)
                var words = stops
                _ = words.next(String(decoding: text.utf8.dropFirst(before), as: UTF8.self))
                return words.isReached
            }
        }
        let found = try search.decode(model, sentences: 1) { host.isCancelled }[0].prefix(samples)
        let texts = try found.map(text)
        if samples == 1 {
            answer.add(text: texts[0].told)
        } else {
            for (index, (hypothesis, text)) in zip(found, texts).enumerated() {
                answer.addRow([
                    "rank": .integer(index + 1), "text": .string(text.told),
                    "log_probability": .real(hypothesis.logProbability),
                ])
            }
        }
        return texts[0].tokens
    }
}
