import CLamina
import Glibc
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// A batch of training before its step: its values, and when in the run it comes. In evaluation, `step` and the totals are 0.
public struct BatchMoment {
    public let inputs: [PlannedTensor]
    public let target: PlannedTensor?
    /// The optimizer's step, 0 at the first.
    public let step: UInt64
    public let stepsPerEpoch: UInt64
    public let totalSteps: UInt64
    public let seed: UInt64
    /// The batch's number in the run; with `accumulate`, several make a step.
    public let batch: UInt64
}

/// One of a recipe's batch transforms: it changes every batch of training where it lies, just before its step.
public final class BatchTransformDriver {
    private let call: ComponentCall
    private let table: UnsafePointer<lamina_batch_transform>
    private let handle: UnsafeMutableRawPointer
    private let stream: UInt64

    /// Whether it changes batches of validation and evaluation, too.
    public var changesEvaluation: Bool { table.pointee.flags & LAMINA_BATCH_TRANSFORM_EVALUATION != 0 }

    /// - Parameter index: its place among the recipe's, which chooses its random numbers.
    public init(_ transform: Recipe.Component, index: Int, registry: Registry) throws(TrainingError) {
        call = try ComponentCall(kind: LAMINA_KIND_BATCH_TRANSFORM, transform.id, transform.attributes, registry)
        table = call.component.table()
        handle = try call.create(table.pointee.create)
        stream = 0x6261_7463_6800 &+ UInt64(index)
    }

    deinit { table.pointee.destroy(handle) }

    /// - Parameter model: what the transform may ask of the model.
    public func apply(_ moment: BatchMoment, model: UnsafePointer<lamina_task_model>) throws(TrainingError) {
        let inputs = moment.inputs.map { $0.raw.pointee }
        let names = moment.inputs.map { UnsafePointer<CChar>?(strdup($0.name)) }
        defer { names.forEach { free(UnsafeMutablePointer(mutating: $0)) } }
        let status = names.withUnsafeBufferPointer { names in
            inputs.withUnsafeBufferPointer { inputs in
                var batch = lamina_training_batch(
                    struct_size: UInt32(MemoryLayout<lamina_training_batch>.size), input_count: Int32(inputs.count),
                    input_names: names.baseAddress, inputs: inputs.baseAddress, target: moment.target?.raw,
                    model: model, step: moment.step, steps_per_epoch: moment.stepsPerEpoch,
                    total_steps: moment.totalSteps,
                    random: lamina_random(seed: moment.seed, stream: stream, offset: moment.batch << 40))
                return table.pointee.apply(handle, &batch)
            }
        }
        try call.check(status)
    }
}
