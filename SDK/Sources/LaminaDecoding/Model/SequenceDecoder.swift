import LaminaSDK

/// A graph that makes logits [N, T, vocabulary] of tokens [N, T] as a step model.
///
/// With a capacity the host keeps what layers need of the steps before, so that a step costs as much as one; without, each
/// step computes all tokens so far again. What the graph takes beside the tokens is the same at every step, per sentence:
/// the memory of an encoder, say.
public final class SequenceDecoder: StepModel {
    private let model: TaskModel
    private let tokens, logits: String
    /// An input for the number of tokens [N]; nil: the model has none.
    private let lengths: String?
    /// Of the sentences.
    private let memory: [(reference: String, value: TensorBuffer)]
    /// Copies for the rows of the last step: those of one sentence are alike, so they hold for most steps.
    private var held: [(reference: String, value: TensorBuffer)]?
    private let capacity, context: Int?
    /// Which sentence each row of the last step belongs to, and its tokens, as far as the graph is to see them.
    private var sentences: [Int]
    private var histories: [[Int64]]
    /// The logits of each row's last token.
    private var last: TensorBuffer?
    public private(set) var vocabulary = 0

    /// - Parameters:
    ///   - tokens: the input of tokens.
    ///   - lengths: an input for how many of them count, all of them.
    ///   - memory: values per sentence [sentences, …], by reference.
    ///   - capacity: tokens of a row at most, which all layers between take step by step; nil: each step begins anew.
    ///   - context: tokens that the graph takes at most; longer rows go on from their last half so many. nil: any number.
    public init(
        _ model: TaskModel, tokens: String, logits: String, lengths: String? = nil,
        memory: [(reference: String, value: TensorBuffer)] = [], sentences: Int = 1, capacity: Int? = nil,
        context: Int? = nil
    ) throws {
        for (reference, value) in memory where value.tensor.rank == 0 || value.tensor.size(0) != sentences {
            throw PluginError.data(
                "'\(reference)' has shape \(value.tensor.shape), wanted a value for each of \(sentences) texts")
        }
        (self.model, self.tokens, self.logits) = (model, tokens, logits)
        (self.lengths, self.memory) = (lengths, memory)
        self.capacity = capacity.map { min($0, context ?? .max) }
        self.context = context
        self.sentences = Array(0..<sentences)
        histories = Array(repeating: [], count: sentences)
    }

    public func step(_ tokens: [[Int64]], continuing rows: [Int]) throws -> UnsafePointer<Float> {
        let continued = rows.map { sentences[$0] }
        if continued != sentences || held == nil {
            held = memory.map { ($0.reference, $0.value.gathering(continued, axis: 0)) }
            sentences = continued
        }
        let held = held ?? []
        var past = histories.first?.count ?? 0
        histories = zip(rows, tokens).map { histories[$0] + $1 }
        if let context, let row = histories.first, row.count > context {
            histories = histories.map { Array($0.suffix((context + 1) / 2)) }
            past = 0
        }
        if capacity == nil { past = 0 }
        let whole = TokenBatch(histories)
        let input = past == 0 ? whole : TokenBatch(histories.map { Array($0[past...]) })
        var given = [(self.tokens, input.tokens.tensor)] + held.map { ($0.reference, $0.value.tensor) }
        if let lengths { given.append((lengths, whole.lengths.tensor)) }
        let output = try withExtendedLifetime((whole, input, held)) {
            try model.evaluate(
                [logits], given: given,
                steps: capacity.map {
                    SequenceSteps([self.tokens], capacity: $0, past: past, rows: past == 0 ? nil : rows)
                }
            )[0]
        }
        let last = try TensorBuffer(
            lastSteps: output, rows: rows.count, steps: (histories.first?.count ?? 0) - past)
        (self.last, vocabulary) = (last, last.tensor.size(1))
        return UnsafePointer(last.tensor.floats)
    }
}
