import LaminaDecoding
import LaminaSDK

/// Sequences from sequences with a model of `rnn.encoder_decoder`: greedy or by beam search; attention as a drawing.
struct Translate: ModelTask {
    static let name = Translation.name
    static let documentation = Translation.documentation
    static let usage = Translation.usage
    static let attributes = Translation.attributes

    private let translation: Translation

    init(_ attributes: Attributes, host: Host) throws { translation = try Translation(attributes, host: host) }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        try translation.run(arguments, answer) { try RecurrentTranslator(model) }
    }
}

/// An encoder and a decoder with states, which tells its attention at every step.
private struct RecurrentTranslator: TranslationModel {
    let model: TaskModel
    let source, target: TokenInput
    private let graph: DecoderGraph

    init(_ model: TaskModel) throws {
        self.model = model
        let view = try GraphView(model)
        graph = try DecoderGraph(view)
        source = TokenInput(model, graph.source, in: view)
        target = TokenInput(model, graph.target, in: view)
    }

    var takesLengths: Bool { graph.sourceLengths != nil }
    var attentionFault: String? {
        graph.weights == nil ? "the model has none to draw (context: attention has)" : nil
    }

    func decoder(_ sources: [[Int64]], capacity: Int) throws -> any StepModel {
        try StepDecoder(model, graph, source.batch(sources))
    }

    func attention(of hypothesis: Hypothesis, to source: [Int64]) -> [[AttentionMap.Panel]] {
        [[AttentionMap.Panel("", hypothesis.weights)]]
    }
}
