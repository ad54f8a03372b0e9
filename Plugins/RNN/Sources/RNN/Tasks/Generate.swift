import LaminaDecoding
import LaminaSDK

/// Text from a language model, token by token.
///
/// Where the model carries states from batch to batch (`carry`), each token is computed from the states of the one before;
/// else from all tokens so far.
struct Generate: ModelTask {
    static let name = TextGeneration.name
    static let documentation = TextGeneration.documentation
    static let usage = TextGeneration.usage
    static let attributes = TextGeneration.attributes

    private let generation: TextGeneration

    init(_ attributes: Attributes, host: Host) throws { generation = try TextGeneration(attributes, host: host) }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        let language = try LanguageModel(model)
        try generation.run(language, arguments, answer) { _ in
            if language.graph.carries.isEmpty { return try language.decoder() }
            return try CarriedDecoder(language)
        }
    }
}
