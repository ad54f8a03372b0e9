import LaminaDecoding
import LaminaSDK

/// Text from a language model of causal attention, such as `transformer.gpt`.
///
/// Keys and values of the steps before are kept, so that a token costs as much as one step. Where learned positions allow
/// only so many steps, a longer text goes on from the last half of them.
struct Generate: ModelTask {
    static let name = TextGeneration.name
    static let documentation = TextGeneration.documentation
    static let usage = TextGeneration.usage
    static let attributes: [AttributeSchema] =
        TextGeneration.attributes + [cacheSchema, AttentionDrawing.path] + AttentionDrawing.attributes

    static let cacheSchema = AttributeSchema.bool(
        "cache", default: true, "Keeps keys and values of earlier steps; without, each step computes all of them again."
    )

    /// Runs what goes on from steps that are kept, and says what helps where a layer of the model cannot.
    static func keepingSteps<Value>(_ isCached: Bool, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as PluginError where isCached && error.isUnsupported {
            throw PluginError.unsupported("with --no-cache each step computes all of them again")
        }
    }

    private let generation: TextGeneration
    private let drawing: AttentionDrawing
    private let isCached: Bool

    init(_ attributes: Attributes, host: Host) throws {
        generation = try TextGeneration(attributes, host: host)
        drawing = try AttentionDrawing(attributes)
        isCached = attributes.bool("cache")
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        let language = try LanguageModel(model)
        let nodes = try language.graph.attentions()
        guard !nodes.isEmpty else {
            throw PluginError.data(
                "the model has no attention: transformer.generate goes on with models of \(AttentionNode.component)")
        }
        if let open = nodes.first(where: { !$0.isCausal }) {
            throw PluginError.data(
                "the attention '\(open.title)' lets a step see later ones, so that no token can be predicted: wanted "
                    + "causal: true, as in transformer.gpt")
        }
        try language.graph.checkLengths()
        let context = language.graph.context(of: language.input.name)
        if drawing.path != nil {
            // At least the prompt is drawn.
            let least = try min(language.prompt(arguments.first ?? "").count, context ?? .max)
            try drawing.check(nodes, rows: least, columns: least)
        }
        let tokens = try Self.keepingSteps(isCached) {
            try generation.run(language, arguments, answer) { capacity in
                try language.decoder(capacity: isCached ? capacity : nil, context: context)
            }
        }
        guard let path = drawing.path else { return }
        let shown = Array(tokens.suffix(context ?? tokens.count))
        let batch = TokenBatch([shown])
        var given = [(reference: language.input.name, tensor: batch.tokens.tensor)]
        if let lengths = language.lengths { given.append((lengths, batch.lengths.tensor)) }
        let names = try shown.map { try model.token($0, for: language.input.name) }
        let map = AttentionMap(
            rows: names, columns: names,
            panels: try withExtendedLifetime(batch) {
                try drawing.panels(nodes, of: model, given: given, shape: (shown.count, shown.count))
            })
        try map.write(to: path)
        answer.wrote(file: path)
    }
}
