import CLamina
import Glibc
import LaminaGraph

/// Samples that are read, transformed or tokenized, and ready to be copied into a plan.
final class Batch: @unchecked Sendable {
    private let dataset: Dataset
    /// One per field of the source.
    private let fields: [BatchTensor]
    private let fieldTable: UnsafeMutablePointer<lamina_tensor>
    /// Memory for the results of transforms: of each input, then of the target.
    private let buffers: [[BatchTensor]]
    /// One per entry of `data.text`, and in a stream what follows.
    private let rows: [BatchTensor]
    private let lengths: [BatchTensor]
    private(set) var inputs: [BatchTensor] = []
    private(set) var target: BatchTensor?
    private(set) var count = 0
    /// Whether its texts go on where those of the batch before ended.
    private(set) var continuesPrevious = false
    private var sourceIndices: [Int64] = []

    init(_ dataset: Dataset, capacity: Int) throws(TrainingError) {
        self.dataset = dataset
        var fields: [BatchTensor] = []
        for field in dataset.source.fields {
            fields.append(try BatchTensor(field.dtype, field.shape, capacity: capacity))
        }
        self.fields = fields
        var buffers: [[BatchTensor]] = []
        for role in dataset.inputs + (dataset.target.map { [$0] } ?? []) {
            if case .field(_, let chain) = role {
                buffers.append(try chain.makeBuffers(capacity: capacity))
            } else {
                buffers.append([])
            }
        }
        self.buffers = buffers
        var (rows, lengths): ([BatchTensor], [BatchTensor]) = ([], [])
        if let stream = dataset.stream {
            for _ in 0..<2 { rows.append(try BatchTensor(.int64, [stream.steps], capacity: capacity)) }
        } else if let texts = dataset.texts {
            for longest in texts.longestRows {
                rows.append(try BatchTensor(.int64, [longest], capacity: capacity))
                lengths.append(try BatchTensor(.int64, [], capacity: capacity))
            }
        }
        (self.rows, self.lengths) = (rows, lengths)
        sourceIndices.reserveCapacity(capacity)
        fieldTable = .allocate(capacity: max(fields.count, 1))
        inputs = dataset.inputs.map(plain)
        target = dataset.target.map(plain)
    }

    deinit { fieldTable.deallocate() }

    /// The tensor of a role before any transform.
    private func plain(_ role: Dataset.Role) -> BatchTensor {
        switch role {
        case .field(let index, _): fields[index]
        case .text(let entry): rows[entry]
        case .length(let entry): lengths[entry]
        case .following: rows[1]
        }
    }

    /// Reads samples; at most the capacity.
    func fill(
        _ indices: UnsafeBufferPointer<Int64>, isTraining: Bool, seed: UInt64, step: UInt64
    ) throws(TrainingError) {
        count = indices.count
        for tensor in rows + lengths { tensor.count = count }
        if let stream = dataset.stream {
            continuesPrevious = indices.first.map { stream.continues($0) } ?? false
            stream.fill(
                indices, rows[0].data.assumingMemoryBound(to: Int64.self),
                rows[1].data.assumingMemoryBound(to: Int64.self))
            return
        }
        sourceIndices.removeAll(keepingCapacity: true)
        if let kept = dataset.texts?.kept {
            for index in indices { sourceIndices.append(kept[Int(index)]) }
        } else {
            sourceIndices.append(contentsOf: indices)
        }
        var result: Result<Void, TrainingError> = .success(())
        sourceIndices.withUnsafeBufferPointer { samples in
            result = Result { () throws(TrainingError) in
                dataset.texts?.fill(samples, rows, lengths: lengths)
                try readFields(samples)
            }
        }
        try result.get()
        for (index, role) in dataset.inputs.enumerated() {
            guard case .field(let field, let chain) = role else { continue }
            inputs[index] = try chain.apply(
                fields[field], buffers[index], isTraining: isTraining, seed: seed, step: step)
        }
        if case .field(let field, let chain)? = dataset.target {
            target = try chain.apply(fields[field], buffers.last!, isTraining: isTraining, seed: seed, step: step)
        }
    }

    private func readFields(_ samples: UnsafeBufferPointer<Int64>) throws(TrainingError) {
        guard !fields.isEmpty else { return }
        for (index, field) in fields.enumerated() {
            field.count = count
            fieldTable[index] = field.raw.pointee
        }
        try dataset.source.read(samples, into: fieldTable)
    }

    /// A request for a plan of these shapes.
    func request(target wantsTarget: Bool) -> PlanRequest {
        PlanRequest(
            inputs: inputs.map(\.shape) + dataset.carriedShapes(count),
            target: wantsTarget ? target.map { .init($0.dtype, $0.shape) } : nil)
    }

    /// Copies into the memory that a plan reads.
    func copy(to plan: Plan) {
        for (input, planned) in zip(inputs, plan.inputs) { memcpy(planned.data, input.data, input.byteCount) }
        if let target, let planned = plan.target { memcpy(planned.data, target.data, target.byteCount) }
    }
}
