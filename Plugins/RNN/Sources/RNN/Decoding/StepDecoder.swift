import LaminaDecoding
import LaminaSDK

/// The decoder of a model of `rnn.encoder_decoder`, computed a step at a time from the states of the one before.
final class StepDecoder: StepModel {
    private let model: TaskModel
    private let graph: DecoderGraph
    /// Of the sentences; rows of a step take copies of them.
    private let memory: [TensorBuffer]
    /// Of the rows of the last step; at first of the sentences.
    private var states: [TensorBuffer]
    /// Which sentence each row of the last step belongs to.
    private var sentences: [Int]
    private var outputs: Tensors?
    private var last: TensorBuffer?
    private(set) var vocabulary: Int

    /// Runs the encoder over sentences of tokens; only with lengths may these differ in length.
    convenience init(_ model: TaskModel, _ graph: DecoderGraph, _ batch: TokenBatch) throws {
        defer { withExtendedLifetime(batch) {} }
        try self.init(model, graph, source: batch.tokens.tensor, lengths: batch.lengths.tensor)
    }

    /// Runs the encoder over a batch of sources [N, Ts].
    ///
    /// - Parameter lengths: [N]; for models that take them.
    init(_ model: TaskModel, _ graph: DecoderGraph, source: Tensor, lengths: Tensor?) throws {
        self.model = model
        self.graph = graph
        var given = [(graph.source, source)]
        if let name = graph.sourceLengths, let lengths { given.append((name, lengths)) }
        // The lengths are an input of the model, which the decoder may take, too.
        let computed = graph.memory.filter { $0 != graph.sourceLengths }
        let outputs = try model.evaluate(computed + graph.states, given: given)
        var memory = computed.indices.map { TensorBuffer(copying: outputs[$0]) }
        for (index, name) in graph.memory.enumerated() where name == graph.sourceLengths {
            if let lengths { memory.insert(TensorBuffer(copying: lengths), at: index) }
        }
        self.memory = memory
        states = graph.states.indices.map { TensorBuffer(copying: outputs[computed.count + $0]) }
        sentences = Array(0..<source.size(0))
        vocabulary = 0
    }

    func step(_ tokens: [[Int64]], continuing rows: [Int]) throws -> UnsafePointer<Float> {
        sentences = rows.map { sentences[$0] }
        let input = TokenBatch(tokens)
        var given = [(graph.target, input.tokens.tensor)]
        let own = states.map { $0.gathering(rows, axis: 1) }
        for (name, state) in zip(graph.states, own) { given.append((name, state.tensor)) }
        let held = memory.map { $0.gathering(sentences, axis: 0) }
        for (name, value) in zip(graph.memory, held) { given.append((name, value.tensor)) }
        if let name = graph.targetLengths { given.append((name, input.lengths.tensor)) }
        let wanted = [graph.logits] + graph.nextStates + (graph.weights.map { [$0] } ?? [])
        let outputs = try withExtendedLifetime((own, held, input)) {
            try model.evaluate(wanted, given: given)
        }
        for index in states.indices { states[index] = TensorBuffer(copying: outputs[1 + index]) }
        self.outputs = outputs
        let last = try TensorBuffer(lastSteps: outputs[0], rows: rows.count, steps: tokens.first?.count ?? 0)
        (self.last, vocabulary) = (last, last.tensor.size(1))
        return UnsafePointer(last.tensor.floats)
    }

    func weights(_ row: Int) -> [Float] {
        guard graph.weights != nil, let outputs else { return [] }
        let weights = outputs[1 + graph.nextStates.count]
        let (steps, count) = (weights.size(1), weights.size(2))
        return Array(
            UnsafeBufferPointer(start: weights.floats + ((row + 1) * steps - 1) * count, count: count))
    }
}
