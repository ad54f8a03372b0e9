import LaminaSDK

/// A graph that makes logits [N, T, vocabulary] of tokens [N, T] as a step model: each step computes all tokens so far.
///
/// What it takes beside the tokens is the same at every step, per sentence: the memory of an encoder, say.
public final class SequenceDecoder: StepModel {
    private let model: TaskModel
    private let tokens, logits: String
    /// An input for the number of tokens [N]; nil: the model has none.
    private let lengths: String?
    /// Of the sentences; rows of a step take copies of them.
    private let memory: [(reference: String, value: TensorBuffer)]
    /// Which sentence each row of the last step belongs to, and its tokens.
    private var sentences: [Int]
    private var histories: [[Int64]]
    /// The logits of each row's last token.
    private var last: TensorBuffer?
    public private(set) var vocabulary = 0

    /// - Parameters:
    ///   - tokens: the input of tokens.
    ///   - lengths: an input for how many of them count, all of them.
    ///   - memory: values per sentence [sentences, …], by reference.
    public init(
        _ model: TaskModel, tokens: String, logits: String, lengths: String? = nil,
        memory: [(reference: String, value: TensorBuffer)] = [], sentences: Int = 1
    ) {
        (self.model, self.tokens, self.logits) = (model, tokens, logits)
        (self.lengths, self.memory) = (lengths, memory)
        self.sentences = Array(0..<sentences)
        histories = Array(repeating: [], count: sentences)
    }

    public func step(_ tokens: [[Int64]], continuing rows: [Int]) throws -> UnsafePointer<Float> {
        sentences = rows.map { sentences[$0] }
        histories = zip(rows, tokens).map { histories[$0] + $1 }
        let input = TokenBatch(histories)
        let held = memory.map { ($0.reference, $0.value.gathering(sentences, axis: 0)) }
        var given = [(self.tokens, input.tokens.tensor)] + held.map { ($0, $1.tensor) }
        if let lengths { given.append((lengths, input.lengths.tensor)) }
        let output = try withExtendedLifetime((input, held)) { try model.evaluate([logits], given: given)[0] }
        let last = try TensorBuffer(lastSteps: output, rows: rows.count, steps: histories.first?.count ?? 0)
        (self.last, vocabulary) = (last, last.tensor.size(1))
        return UnsafePointer(last.tensor.floats)
    }
}
