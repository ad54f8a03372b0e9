import CLamina
import LaminaFormats
import LaminaSDK

/// A transform behind its C vtable.
public final class TransformHarness {
    private let bound: BoundComponent<lamina_transform>
    private let handle: UnsafeMutableRawPointer?

    /// Creates the transform. Throws `AttributeError` or `CallError`.
    public init(_ component: Component, _ attributes: JSONObject = [:], host: TestHost = TestHost()) throws {
        bound = try BoundComponent(component, kind: LAMINA_KIND_TRANSFORM, attributes, host)
        handle = try bound.create(bound.table.pointee.create)
    }

    deinit { bound.table.pointee.destroy(handle) }

    /// Type and shape of a sample after the change; shapes are without the batch dimension. Throws `CallError`.
    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (dtype: DataType, shape: [Int]) {
        var out = lamina_dtype()
        var rank: Int32 = -1
        var dimensions = [Int64](repeating: -1, count: 8)
        let status = bound.table.pointee.infer(
            handle, dtype.raw, Int32(shape.count), shape.map(Int64.init), &out, &rank, &dimensions)
        try bound.finish("infer", status)
        guard let type = DataType(out), (0...8).contains(rank), dimensions.prefix(Int(rank)).allSatisfy({ $0 >= 0 })
        else {
            throw CallError(
                call: "infer", status: LAMINA_ERROR_INTERNAL, text: "infer gives no valid type and shape", argument: -1)
        }
        return (type, dimensions.prefix(Int(rank)).map { Int($0) })
    }

    /// Changes a batch, [N, shape…]. Throws `CallError`, also when memory is not respected.
    public func apply(_ batch: TensorValue, isTraining: Bool = false, seed: UInt64 = 1) throws -> TensorValue {
        let (dtype, shape) = try infer(batch.dtype, Array(batch.shape.dropFirst()))
        let input = TensorArray([batch], names: ["the input"])
        let watched = WatchedTensors.readOnly(input)
        let output = TensorArray(
            [TensorForm(dtype, [Int64(batch.shape[0])] + shape.map(Int64.init))], names: ["the output"])
        output.allocate()
        let status = bound.table.pointee.apply(
            handle, isTraining ? LAMINA_PHASE_TRAINING : LAMINA_PHASE_INFERENCE, input.raw, output.raw,
            lamina_random(seed: seed, stream: 11, offset: 0))
        try bound.finish("apply", status, watched, .written(output))
        return output.values[0]
    }
}
