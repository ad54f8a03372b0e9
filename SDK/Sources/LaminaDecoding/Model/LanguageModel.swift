import LaminaSDK

/// A model that predicts the next token, and where its graph is asked.
///
/// It has one input of tokens [N, T], perhaps one for their number [N], and gives logits [N, T, vocabulary]. Inputs that carry
/// states from batch to batch are the business of those who know what they mean.
public struct LanguageModel {
    public let model: TaskModel
    public let graph: GraphView
    public let input: TokenInput
    /// The input for how many tokens count; nil: the model is told none.
    public let lengths: String?
    /// The reference to the logits.
    public let logits: String
    /// The token that the model's recipe puts before a text; nil: none.
    public let begin: Int64?

    /// Tokens before the text's own.
    public var added: Int { begin == nil ? 0 : 1 }

    /// Throws `.data` for a model that is none.
    public init(_ model: TaskModel) throws {
        self.model = model
        graph = try GraphView(model)
        let states = Set(graph.carries.map(\.input))
        var inputs = graph.inputs.filter { !states.contains($0.name) }
        let all = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
        lengths = inputs.firstIndex { $0.shape.count == 1 && $0.dtype == "int64" }.map { inputs.remove(at: $0).name }
        guard inputs.count == 1, inputs[0].shape.count == 2, inputs[0].dtype == "int64",
            let output = graph.measured ?? graph.outputs.first?.reference
        else {
            throw PluginError.data(
                "the model has the inputs \(all): only a model of one input of tokens (N, T) generates text")
        }
        input = TokenInput(model, inputs[0].name, in: graph)
        try input.checkSteps("generate")
        logits = output
        let around = try model.encode("", for: input.name)
        begin = input.begin.flatMap { around.first == $0 ? $0 : nil }
    }

    /// The tokens to go on from.
    public func prompt(_ text: String) throws -> [Int64] {
        var tokens = begin.map { [$0] } ?? []
        if !text.isEmpty { tokens += try model.encode(tokensOf: text, for: input.name) }
        if tokens.isEmpty {
            // Texts of a stream follow the end of the one before.
            guard let end = input.end else {
                throw PluginError.attribute("the vocabulary has no token to begin with: give a text to go on from")
            }
            tokens = [end]
        }
        return tokens
    }

    /// The model step by step; see `SequenceDecoder` for what a capacity and a context are.
    public func decoder(capacity: Int? = nil, context: Int? = nil) throws -> SequenceDecoder {
        try SequenceDecoder(
            model, tokens: input.name, logits: logits, lengths: lengths, capacity: capacity, context: context)
    }
}
