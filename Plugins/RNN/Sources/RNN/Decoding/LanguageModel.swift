import LaminaSDK

/// A model that predicts the next token, and where its graph is asked.
struct LanguageModel {
    let model: TaskModel
    /// Its input of tokens.
    let input: String
    let logits: String
    /// Inputs of states with their shapes, and the outputs that they take from the step before.
    let carries: [(input: String, shape: [Int], from: String)]
    let begin, end: Int64?
    let forbidden: [Int64]
    /// Logits for more stand for no token.
    let vocabulary: Int

    /// Tokens before the text's own.
    var added: Int { begin == nil ? 0 : 1 }

    init(_ model: TaskModel) throws {
        self.model = model
        let graph = try GraphView(model)
        let states = Set(graph.carries.map(\.input))
        let inputs = graph.inputs.filter { !states.contains($0.name) }
        guard inputs.count == 1, inputs[0].shape.count == 2, inputs[0].dtype == "int64" else {
            throw PluginError.data(
                "the model has the inputs \(inputs.map { "'\($0.name)'" }.joined(separator: ", ")): only a model of one "
                    + "input of tokens (N, T) generates text")
        }
        input = inputs[0].name
        logits = graph.measured ?? graph.outputs[0].reference
        carries = try graph.carries.map { carry in
            let shape = graph.inputs.first { $0.name == carry.input }!.shape
            return (
                carry.input,
                try shape.map { size in
                    switch size {
                    case .integer(let value): Int(value)
                    case .string("N"): 1
                    default: throw PluginError.data("the state '\(carry.input)' has an open size, \(size.text())")
                    }
                },
                graph.outputs.first { $0.name == carry.output }!.reference
            )
        }
        let around = try model.encode("", for: inputs[0].name)
        begin = model.special(.begin, for: input).flatMap { around.first == $0 ? $0 : nil }
        end = model.special(.end, for: input)
        let name = input
        forbidden = [SpecialToken.padding, .begin].compactMap { model.special($0, for: name) }
        vocabulary = model.vocabularySize(for: name) ?? .max
    }

    /// The tokens to go on from.
    func prompt(_ text: String) throws -> [Int64] {
        var tokens = begin.map { [$0] } ?? []
        if !text.isEmpty { tokens += try model.encode(tokensOf: text, for: input) }
        if tokens.isEmpty {
            // Texts of a stream follow the end of the one before.
            guard let end else {
                throw PluginError.attribute("the vocabulary has no token to begin with: give a text to go on from")
            }
            tokens = [end]
        }
        return tokens
    }

    func beginning() -> State { State(self) }

    /// One text in the making.
    final class State {
        private let language: LanguageModel
        private var carried: [TensorBuffer]

        fileprivate init(_ language: LanguageModel) {
            self.language = language
            carried = language.carries.map { TensorBuffer(.float32, $0.shape) }
        }

        /// The logits of the token after `tokens`, which follow what was told before; valid until the next call.
        func next(
            _ tokens: ArraySlice<Int64>, all: [Int64]
        ) throws -> (logits: UnsafePointer<Float>, count: Int) {
            let told = language.carries.isEmpty ? all[...] : tokens
            let input = TensorBuffer(.int64, [1, told.count])
            for (index, token) in told.enumerated() { input.tensor.int64s[index] = token }
            var given = [(language.input, input.tensor)]
            for (carry, value) in zip(language.carries, carried) { given.append((carry.input, value.tensor)) }
            let outputs = try withExtendedLifetime((input, carried)) {
                try language.model.evaluate([language.logits] + language.carries.map(\.from), given: given)
            }
            let logits = outputs[0]
            guard logits.rank == 3, logits.size(1) == told.count else {
                throw PluginError.data(
                    "the model gives \(logits.shape) for \(told.count) tokens, wanted logits [1, T, vocabulary]")
            }
            let count = logits.size(2)
            let last = UnsafePointer(logits.floats + (told.count - 1) * count)
            carried = carried.indices.map { TensorBuffer(copying: outputs[1 + $0]) }
            return (last, count)
        }
    }
}
