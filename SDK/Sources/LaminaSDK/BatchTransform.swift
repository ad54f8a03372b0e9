import CLamina

/// A change of whole batches, just before a training step: inputs and target together, with the model at hand.
///
/// What `apply` does follows from the batch alone, so that a resumed run goes on with the same bits: nothing but what can
/// be made anew, such as a reading of the graph, is kept from one batch to the next.
public protocol BatchTransform: ComponentType {
    /// Whether batches of validation and evaluation are changed, too: of what makes the task itself, such as hiding tokens.
    static var changesEvaluation: Bool { get }
    init(_ attributes: Attributes) throws
    /// Changes the tensors of a batch where they lie.
    func apply(_ batch: TrainingBatch, host: Host) throws
}

extension BatchTransform {
    public static var changesEvaluation: Bool { false }
}

/// A batch of a training run before its step.
public struct TrainingBatch {
    public let raw: UnsafePointer<lamina_training_batch>
    /// The model with the parameters of this moment. It computes as in inference: without dropout.
    public let model: TaskModel

    /// The input of this name, plain and writable; nil: the model has none.
    public func input(_ name: String) -> Tensor? {
        for index in 0..<Int(raw.pointee.input_count) where String(cString: raw.pointee.input_names[index]!) == name {
            return Tensor(raw.pointee.inputs + index)
        }
        return nil
    }

    /// Every input with its name, in the model's order; carried states are among them.
    public var inputs: [(name: String, tensor: Tensor)] {
        (0..<Int(raw.pointee.input_count)).map {
            (String(cString: raw.pointee.input_names[$0]!), Tensor(raw.pointee.inputs + $0))
        }
    }

    /// What the loss compares with, plain and writable; nil: nothing.
    public var target: Tensor? { raw.pointee.target.map { Tensor($0) } }
    /// The optimizer's step, 0 at the first. In evaluation this and the two below are 0.
    public var step: Int { Int(raw.pointee.step) }
    public var stepsPerEpoch: Int { Int(raw.pointee.steps_per_epoch) }
    public var totalSteps: Int { Int(raw.pointee.total_steps) }
    /// All random numbers follow from it.
    public var random: lamina_random { raw.pointee.random }
}

extension Component {
    public static func batchTransform<T: BatchTransform>(_ type: T.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_BATCH_TRANSFORM,
            vtable: T.changesEvaluation ? BatchTransformTable.everywhere : BatchTransformTable.inTraining,
            factory: Factory<BatchTransformTable.Make>({ try T($0) }))
    }
}

enum BatchTransformTable {
    typealias Make = (Attributes) throws -> any BatchTransform
    typealias TransformBox = Box<any BatchTransform>

    nonisolated(unsafe) static let inTraining = table(flags: 0)
    nonisolated(unsafe) static let everywhere = table(flags: LAMINA_BATCH_TRANSFORM_EVALUATION)

    private static func table(flags: UInt32) -> UnsafeRawPointer {
        UnsafeRawPointer(
            permanent(
                lamina_batch_transform(
                    struct_size: UInt32(MemoryLayout<lamina_batch_transform>.size), flags: flags,
                    create: { component, host, attributes, out in
                        host!.status {
                            let transform = try Factory<Make>.of(component)(Attributes(attributes))
                            out!.pointee = TransformBox(transform, Host(host!)).retained
                        }
                    },
                    destroy: { TransformBox.release($0) },
                    apply: { handle, batch in
                        let box = TransformBox.at(handle)
                        return box.host.raw.status {
                            let model = TaskModel(raw: batch!.pointee.model, host: box.host)
                            try box.value.apply(TrainingBatch(raw: batch!, model: model), host: box.host)
                        }
                    })))
    }
}
