import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// A batch transform behind its C vtable, on a model that the test makes up.
public final class BatchTransformHarness {
    private let bound: BoundComponent<lamina_batch_transform>
    private let handle: UnsafeMutableRawPointer?
    private let model: TaskHarness

    /// Creates the transform. Throws `AttributeError` or `CallError`.
    ///
    /// - Parameter model: what the transform may ask of the model.
    public init(
        _ component: Component, _ attributes: JSONObject = [:], model: TaskHarness = TaskHarness(),
        host: TestHost = TestHost()
    ) throws {
        bound = try BoundComponent(component, kind: LAMINA_KIND_BATCH_TRANSFORM, attributes, host)
        handle = try bound.create(bound.table.pointee.create)
        self.model = model
    }

    deinit { bound.table.pointee.destroy(handle) }

    /// Changes a batch. Throws `CallError`, also when memory is not respected, or what the test's functions throw.
    ///
    /// - Parameter step: of the optimizer, 0 at the first, of 100 with 10 in an epoch.
    /// - Returns: the inputs in their order, and the target.
    public func apply(
        inputs: [(name: String, value: TensorValue)], target: TensorValue? = nil, step: Int = 0, seed: UInt64 = 1
    ) throws -> (inputs: [TensorValue], target: TensorValue?) {
        let names = inputs.map(\.name)
        let tensors = TensorArray(inputs.map(\.value), names: names.map { "the input '\($0)'" })
        let targets = TensorArray(target.map { [$0] } ?? [], names: target == nil ? [] : ["the target"])
        let texts = CStrings(names)
        try model.call("apply", bound, model.session(), writing: .changed(tensors), .changed(targets)) { model in
            texts.pointers.withUnsafeBufferPointer { names in
                var batch = lamina_training_batch(
                    struct_size: UInt32(MemoryLayout<lamina_training_batch>.size), input_count: Int32(names.count),
                    input_names: names.baseAddress, inputs: tensors.raw,
                    target: target == nil ? nil : UnsafePointer(targets.raw), model: model, step: UInt64(step),
                    steps_per_epoch: 10, total_steps: 100, random: lamina_random(seed: seed, stream: 11, offset: 0))
                return withExtendedLifetime(texts) { bound.table.pointee.apply(handle, &batch) }
            }
        }
        return (tensors.values, targets.values.first)
    }
}
