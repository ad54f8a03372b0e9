import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK

/// Transforms of samples that are in memory already, as training made them.
public final class SamplePreparation {
    /// Type and shape of one sample before and after.
    public let raw: (dtype: DataType, shape: [Int])
    public let prepared: (dtype: DataType, shape: [Int])
    private let chain: TransformChain

    public init(
        _ dtype: DataType, _ shape: [Int], steps: [(id: String, attributes: JSONObject)], registry: Registry
    ) throws(TrainingError) {
        raw = (dtype, shape)
        chain = try TransformChain(steps, from: dtype, shape, registry: registry)
        prepared = (chain.dtype, chain.shape)
    }

    /// Calls `body` with what becomes of `count` samples.
    public func apply<Result>(
        _ samples: UnsafeRawPointer, count: Int, _ body: (UnsafeRawPointer) throws -> Result
    ) throws -> Result {
        let tensor = try BatchTensor(raw.dtype, raw.shape, capacity: count)
        if tensor.byteCount > 0 { tensor.data.copyMemory(from: samples, byteCount: tensor.byteCount) }
        let result = try chain.apply(tensor, chain.makeBuffers(capacity: count), isTraining: false, seed: 0, step: 0)
        return try withExtendedLifetime(result) { try body(result.data) }
    }
}

extension DataSource {
    /// A range of samples as they are: the bytes of each field, [count, shape…].
    public func values(_ samples: Range<Int64>) throws(TrainingError) -> [[UInt8]] {
        var tensors: [BatchTensor] = []
        for field in fields { tensors.append(try BatchTensor(field.dtype, field.shape, capacity: samples.count)) }
        let indices = Array(samples)
        var result: Result<Void, TrainingError> = .success(())
        indices.withUnsafeBufferPointer { indices in
            tensors.map { $0.raw.pointee }.withUnsafeBufferPointer { table in
                guard let base = table.baseAddress else { return }
                result = Result { () throws(TrainingError) in try read(indices, into: base) }
            }
        }
        try result.get()
        return tensors.map { Array(UnsafeRawBufferPointer(start: $0.data, count: $0.byteCount)) }
    }
}
