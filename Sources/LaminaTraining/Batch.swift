import CLamina
import Glibc
import LaminaGraph

/// Samples that are read, transformed and ready to be copied into a plan.
final class Batch: @unchecked Sendable {
    private let dataset: Dataset
    /// One per field of the source.
    private let fields: [BatchTensor]
    private let fieldTable: UnsafeMutablePointer<lamina_tensor>
    private let inputBuffers: [[BatchTensor]]
    private let targetBuffers: [BatchTensor]
    private(set) var inputs: [BatchTensor]
    private(set) var target: BatchTensor?
    private(set) var count = 0

    init(_ dataset: Dataset, capacity: Int) throws(TrainingError) {
        self.dataset = dataset
        var fields: [BatchTensor] = []
        for field in dataset.source.fields {
            fields.append(try BatchTensor(field.dtype, field.shape, capacity: capacity))
        }
        self.fields = fields
        fieldTable = .allocate(capacity: fields.count)
        var buffers: [[BatchTensor]] = []
        for chain in dataset.inputChains { buffers.append(try chain.makeBuffers(capacity: capacity)) }
        inputBuffers = buffers
        targetBuffers = try dataset.targetChain?.makeBuffers(capacity: capacity) ?? []
        inputs = dataset.inputFields.map { fields[$0] }
        target = dataset.targetField.map { fields[$0] }
    }

    deinit { fieldTable.deallocate() }

    /// Reads samples; at most the capacity.
    func fill(
        _ indices: UnsafeBufferPointer<Int64>, isTraining: Bool, seed: UInt64, step: UInt64
    ) throws(TrainingError) {
        count = indices.count
        for (index, field) in fields.enumerated() {
            field.count = count
            fieldTable[index] = field.raw.pointee
        }
        try dataset.source.read(indices, into: fieldTable)
        for index in inputs.indices {
            inputs[index] = try dataset.inputChains[index].apply(
                fields[dataset.inputFields[index]], inputBuffers[index], isTraining: isTraining, seed: seed, step: step)
        }
        if let field = dataset.targetField, let chain = dataset.targetChain {
            target = try chain.apply(fields[field], targetBuffers, isTraining: isTraining, seed: seed, step: step)
        }
    }

    /// Copies into the memory that a plan reads.
    func copy(to plan: Plan) {
        for (input, planned) in zip(inputs, plan.inputs) { memcpy(planned.data, input.data, input.byteCount) }
        if let target, let planned = plan.target { memcpy(planned.data, target.data, target.byteCount) }
    }
}
