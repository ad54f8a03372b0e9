import LaminaDecoding
import LaminaSDK

/// Texts from texts with a model of the form of `transformer.encoder_decoder`: greedy or by beam search.
///
/// The encoder runs once per text, the decoder step by step with the keys and values of the steps before.
struct Translate: ModelTask {
    static let name = Translation.name
    static let documentation = Translation.documentation
    static let usage = Translation.usage
    static let attributes: [AttributeSchema] =
        Translation.attributes + [Generate.cacheSchema] + AttentionDrawing.attributes

    private let translation: Translation
    private let drawing: AttentionDrawing
    private let isCached: Bool

    init(_ attributes: Attributes, host: Host) throws {
        translation = try Translation(attributes, host: host)
        drawing = try AttentionDrawing(attributes)
        isCached = attributes.bool("cache")
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        try Generate.keepingSteps(isCached) {
            try translation.run(arguments, answer) { try AttentiveTranslator(model, drawing, isCached: isCached) }
        }
    }
}
