import CLamina
import LaminaSDK
import LaminaTraining

/// What a component may ask of a model's texts: tokens of a text, the text of tokens.
struct SessionText {
    private let model: Model
    /// The component, for errors.
    private let id: String

    init(_ model: Model, for id: String) { (self.model, self.id) = (model, id) }

    /// The tokens of a text, or of a whole text with those that the recipe puts around it.
    func encode(
        _ text: UnsafeBufferPointer<UInt8>, _ input: String, isWhole: Bool, _ sink: UnsafePointer<lamina_id_sink>?
    ) throws {
        let tokenizer = try model.tokenizer(of: input)
        let ids: [Int64]
        if isWhole, let entry = model.preprocessing.texts.first(where: { $0.name == input }) {
            let row = try tokenizer.encode(
                whole: text, for: entry, input: model.graph.definition.inputs.first { $0.name == input })
            ids = row.ids
            if let cutTo = row.cutTo {
                model.registry.runtime.logHandler(
                    2, "a text for '\(input)' has more than \(cutTo) tokens: cut as in training")
            }
        } else {
            var tokens: [Int32] = []
            try tokenizer.encode(text, into: &tokens)
            ids = tokens.map(Int64.init)
        }
        guard let sink, let add = sink.pointee.add else {
            throw LaminaError.bug(of: id, "encodes a text without a sink for its tokens")
        }
        guard add(sink.pointee.sink, Int64(ids.count), ids) == LAMINA_OK else {
            throw LaminaError.bug(of: id, "refuses tokens")
        }
    }

    /// The text of tokens, without special ones.
    func decode(
        _ ids: UnsafePointer<Int64>?, count: Int64, _ input: String, _ sink: UnsafePointer<lamina_text_sink>?
    ) throws {
        guard count >= 0, count == 0 || ids != nil else {
            throw LaminaError.bug(of: id, "\(count) tokens to decode, but none are given")
        }
        try add(model.tokenizer(of: input).decode(Array(UnsafeBufferPointer(start: ids, count: Int(count)))), to: sink)
    }

    /// A token as it stands in the vocabulary.
    func token(_ number: Int64, _ input: String, _ sink: UnsafePointer<lamina_text_sink>?) throws {
        let tokenizer = try model.tokenizer(of: input)
        guard let token = try tokenizer.token(Int(number)) else {
            throw LaminaError.bug(
                of: id, "there is no token \(number): ids run from 0 to \(tokenizer.vocabularySize - 1)")
        }
        try add(token, to: sink)
    }

    private func add(_ text: String, to sink: UnsafePointer<lamina_text_sink>?) throws {
        guard let sink, let add = sink.pointee.add else {
            throw LaminaError.bug(of: id, "decodes tokens without a sink for their text")
        }
        var text = text
        let status = text.withUTF8 { add(sink.pointee.sink, lamina_string($0)) }
        guard status == LAMINA_OK else { throw LaminaError.bug(of: id, "refuses a text") }
    }
}
