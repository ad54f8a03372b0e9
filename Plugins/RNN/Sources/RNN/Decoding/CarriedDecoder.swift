import LaminaDecoding
import LaminaFormats
import LaminaSDK

/// A language model that carries states from batch to batch, step by step: each token is computed from the states of the
/// one before.
final class CarriedDecoder: StepModel {
    /// An input of states, its shape with N = 1, and the output that it takes from the step before.
    private struct Carry {
        let input: String
        let shape: [Int]
        let from: String
        /// The axis of N.
        let axis: Int
    }

    private let language: LanguageModel
    private let carries: [Carry]
    /// Of the rows of the last step.
    private var states: [TensorBuffer]
    private var last: TensorBuffer?
    private(set) var vocabulary = 0

    init(_ language: LanguageModel) throws {
        self.language = language
        carries = try language.graph.carries.map { carry in
            guard let input = language.graph.inputs.first(where: { $0.name == carry.input }),
                let output = language.graph.outputs.first(where: { $0.name == carry.output })
            else { throw PluginError.data("the model carries '\(carry.output)' to '\(carry.input)', which it lacks") }
            let shape = try input.shape.map { size in
                switch size {
                case .integer(let value): Int(value)
                case .string("N"): 1
                default: throw PluginError.data("the state '\(carry.input)' has an open size, \(size.text())")
                }
            }
            let axis = input.shape.firstIndex(of: "N") ?? 0
            return Carry(input: carry.input, shape: shape, from: output.reference, axis: axis)
        }
        states = carries.map { TensorBuffer(.float32, $0.shape) }
    }

    func step(_ tokens: [[Int64]], continuing rows: [Int]) throws -> UnsafePointer<Float> {
        let input = TokenBatch(tokens)
        let own = zip(carries, states).map { $1.gathering(rows, axis: $0.axis) }
        var given = [(language.input.name, input.tokens.tensor)]
        if let lengths = language.lengths { given.append((lengths, input.lengths.tensor)) }
        for (carry, state) in zip(carries, own) { given.append((carry.input, state.tensor)) }
        let outputs = try withExtendedLifetime((input, own)) {
            try language.model.evaluate([language.logits] + carries.map(\.from), given: given)
        }
        states = carries.indices.map { TensorBuffer(copying: outputs[1 + $0]) }
        let last = try TensorBuffer(lastSteps: outputs[0], rows: tokens.count, steps: tokens.first?.count ?? 0)
        (self.last, vocabulary) = (last, last.tensor.size(1))
        return UnsafePointer(last.tensor.floats)
    }
}
