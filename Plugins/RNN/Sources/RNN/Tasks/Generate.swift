import LaminaSDK

/// Text from a language model, token by token.
///
/// The model has an input of tokens [N, T] and gives logits [N, T, vocabulary]. Where it carries states from batch to
/// batch (`carry`), each token is computed from the states of the one before; else from all tokens so far.
struct Generate: ModelTask {
    static let name = "generate"
    static let documentation = "Text that a language model goes on with, sampled token by token."
    static let usage = "[PROMPT]"
    static let attributes: [AttributeSchema] = [
        .integer("length", default: 200, 1...1e6, "Tokens to generate."),
        .real("temperature", default: 1, 0...100, "Divides the logits; 0 takes the most probable token."),
        .integer("top_k", default: nil, 1...1e9, "Chooses among so many of the most probable tokens."),
        .real("top_p", default: 1, 0...1, "Chooses among the fewest tokens whose probabilities add up to it."),
        .integer("seed", default: 0, 0...9e15, "Of the random numbers."),
        .integer("samples", default: 1, 1...1e4, "Texts to generate."),
    ]

    private let sampling: Sampling
    private let length, samples: Int
    private let seed: UInt64
    private let host: Host

    init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        sampling = Sampling(
            temperature: attributes.real("temperature"), topK: attributes.optionalInteger("top_k"),
            topP: attributes.real("top_p"))
        length = attributes.integer("length")
        samples = attributes.integer("samples")
        seed = UInt64(attributes.integer("seed"))
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard arguments.count <= 1 else {
            throw PluginError.attribute("wanted one text to go on from, got \(arguments.count): put it in quotes")
        }
        let language = try LanguageModel(model)
        let prompt = try language.prompt(arguments.first ?? "")
        for sample in 0..<samples {
            var tokens = prompt
            var running = RunningText()
            func tell(isWhole: Bool = false) throws -> String {
                try running.next(tokens[language.added...], isWhole: isWhole) {
                    try model.decode($0, for: language.input)
                }
            }
            let stream = RandomStream(seed: seed, stream: UInt64(sample), offset: 0)
            let state = language.beginning()
            for step in 0..<length {
                if host.isCancelled { throw PluginError.cancelled }
                let (logits, count) = try state.next(step == 0 ? tokens[...] : tokens.suffix(1), all: tokens)
                let known = min(count, language.vocabulary)
                try checkLogits(logits, known)
                var random: Float = 0
                host.uniform(stream, first: step, into: &random, count: 1)
                let token = sampling.choose(logits, known, random: Double(random), forbidden: language.forbidden)
                if token == language.end { break }
                tokens.append(token)
                if samples == 1 { answer.add(text: try tell()) }
            }
            let rest = try tell(isWhole: true)
            if samples == 1 {
                answer.add(text: rest)
            } else {
                answer.addRow(["sample": .integer(sample + 1), "text": .string(rest)])
            }
        }
    }
}
