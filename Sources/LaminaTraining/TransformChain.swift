import CLamina
import LaminaFormats
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// The transforms of one field, in order, with memory between them.
final class TransformChain: @unchecked Sendable {
    /// Type and shape of one sample after the last transform.
    let dtype: DataType
    let shape: [Int]
    private let stages: [Stage]

    private struct Stage {
        let call: ComponentCall
        let handle: TransformHandle
        let stream: UInt64
        let dtype: DataType
        let shape: [Int]
    }

    private final class TransformHandle: @unchecked Sendable {
        let table: UnsafePointer<lamina_transform>
        let raw: UnsafeMutableRawPointer
        init(_ table: UnsafePointer<lamina_transform>, _ raw: UnsafeMutableRawPointer) {
            self.table = table
            self.raw = raw
        }
        deinit { table.pointee.destroy(raw) }
    }

    init(
        _ transforms: [(id: String, attributes: JSONObject)], from dtype: DataType, _ shape: [Int], registry: Registry
    ) throws(TrainingError) {
        var stages: [Stage] = []
        var (dtype, shape) = (dtype, shape)
        for (index, transform) in transforms.enumerated() {
            let call = try ComponentCall(kind: LAMINA_KIND_TRANSFORM, transform.id, transform.attributes, registry)
            let table: UnsafePointer<lamina_transform> = call.component.table()
            let handle = TransformHandle(table, try call.create(table.pointee.create))
            var outType = lamina_dtype()
            var outRank: Int32 = 0
            var outShape = [Int64](repeating: 0, count: 8)
            try call.check(
                table.pointee.infer(
                    handle.raw, dtype.raw, Int32(shape.count), shape.map(Int64.init), &outType, &outRank, &outShape))
            guard let type = DataType(outType), (0...8).contains(outRank) else {
                throw TrainingError(.internal, "\(transform.id): gives an unknown type or rank (a bug of the plugin)")
            }
            (dtype, shape) = (type, outShape.prefix(Int(outRank)).map { Int($0) })
            stages.append(
                Stage(call: call, handle: handle, stream: 0x7472_616e_7366 &+ UInt64(index), dtype: dtype, shape: shape)
            )
        }
        self.stages = stages
        self.dtype = dtype
        self.shape = shape
    }

    /// Memory for the results of all stages.
    func makeBuffers(capacity: Int) throws(TrainingError) -> [BatchTensor] {
        var buffers: [BatchTensor] = []
        for stage in stages { buffers.append(try BatchTensor(stage.dtype, stage.shape, capacity: capacity)) }
        return buffers
    }

    /// Runs all stages on a batch and returns the last result, or the input when there is no stage.
    func apply(
        _ input: BatchTensor, _ buffers: [BatchTensor], isTraining: Bool, seed: UInt64, step: UInt64
    ) throws(TrainingError) -> BatchTensor {
        var current = input
        for (stage, buffer) in zip(stages, buffers) {
            buffer.count = current.count
            let random = lamina_random(seed: seed, stream: stage.stream, offset: step << 40)
            try stage.call.check(
                stage.handle.table.pointee.apply(
                    stage.handle.raw, isTraining ? LAMINA_PHASE_TRAINING : LAMINA_PHASE_INFERENCE, current.raw,
                    buffer.raw,
                    random))
            current = buffer
        }
        return current
    }
}
