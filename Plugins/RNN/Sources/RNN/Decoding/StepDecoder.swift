import Glibc
import LaminaSDK

/// The decoder of a model, computed a token at a time by the host from the states of the step before.
final class StepDecoder: BeamSearch.Decoder {
    private let model: TaskModel
    private let graph: DecoderGraph
    /// Of the sentences; rows of a step take copies of them.
    private let memory: [TensorBuffer]
    /// Of the rows of the last step; at first of the sentences.
    private var states: [TensorBuffer]
    /// Which sentence each row of the last step belongs to.
    private var sentences: [Int]
    private var outputs: Tensors?
    private(set) var vocabulary: Int

    /// Runs the encoder over sentences of tokens.
    ///
    /// - Parameter padding: fills rows up to the longest sentence; only with lengths may they differ in length.
    convenience init(_ model: TaskModel, _ graph: DecoderGraph, _ sources: [[Int64]], padding: Int64) throws {
        let longest = sources.map(\.count).max() ?? 0
        let tokens = TensorBuffer(.int64, [sources.count, longest])
        let lengths = TensorBuffer(.int64, [sources.count])
        for (row, source) in sources.enumerated() {
            lengths.tensor.int64s[row] = Int64(source.count)
            for step in 0..<longest {
                tokens.tensor.int64s[row * longest + step] = step < source.count ? source[step] : padding
            }
        }
        defer { withExtendedLifetime((tokens, lengths)) {} }
        try self.init(model, graph, source: tokens.tensor, lengths: lengths.tensor)
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

    func step(_ tokens: [Int64], continuing rows: [Int]) throws -> UnsafePointer<Float> {
        sentences = rows.map { sentences[$0] }
        let input = TensorBuffer(.int64, [tokens.count, 1])
        for (row, token) in tokens.enumerated() { input.tensor.int64s[row] = token }
        var given = [(graph.target, input.tensor)]
        let own = states.map { $0.gathering(rows, axis: 1) }
        for (name, state) in zip(graph.states, own) { given.append((name, state.tensor)) }
        let held = memory.map { $0.gathering(sentences, axis: 0) }
        for (name, value) in zip(graph.memory, held) { given.append((name, value.tensor)) }
        let ones = TensorBuffer(.int64, [tokens.count])
        if let name = graph.targetLengths {
            for row in tokens.indices { ones.tensor.int64s[row] = 1 }
            given.append((name, ones.tensor))
        }
        let wanted = [graph.logits] + graph.nextStates + (graph.weights.map { [$0] } ?? [])
        let outputs = try withExtendedLifetime((own, held, ones, input)) {
            try model.evaluate(wanted, given: given)
        }
        for index in states.indices { states[index] = TensorBuffer(copying: outputs[1 + index]) }
        self.outputs = outputs
        let logits = outputs[0]
        vocabulary = logits.size(logits.rank - 1)
        return UnsafePointer(logits.floats)
    }

    func weights(_ row: Int) -> [Float] {
        guard graph.weights != nil, let outputs else { return [] }
        let weights = outputs[1 + graph.nextStates.count]
        let count = weights.size(2)
        return Array(UnsafeBufferPointer(start: weights.floats + row * count, count: count))
    }
}

extension TensorBuffer {
    convenience init(copying tensor: Tensor) {
        self.init(tensor.dtype ?? .float32, tensor.shape)
        let bytes = tensor.count * (tensor.dtype?.size ?? 4)
        if bytes > 0 { memcpy(self.tensor.bytes, tensor.bytes, bytes) }
    }

    /// A tensor whose element i along `axis` is this one's element `rows[i]`.
    func gathering(_ rows: [Int], axis: Int) -> TensorBuffer {
        var shape = tensor.shape
        let (outer, size) = (shape[..<axis].reduce(1, *), shape[axis])
        let inner = shape[(axis + 1)...].reduce(tensor.dtype!.size, *)
        shape[axis] = rows.count
        let result = TensorBuffer(tensor.dtype!, shape)
        for block in 0..<outer {
            for (position, row) in rows.enumerated() {
                memcpy(
                    result.tensor.bytes + (block * rows.count + position) * inner,
                    tensor.bytes + (block * size + row) * inner, inner)
            }
        }
        return result
    }
}
