import CLamina
import LaminaFormats
import LaminaSDK

/// A metric behind its C vtable.
///
/// ```swift
/// let accuracy = try MetricHarness(.metric(Accuracy.self))
/// try accuracy.update(prediction: scores, target: labels)
/// #expect(try accuracy.result() == [.value("", 0.75)])
/// ```
public final class MetricHarness {
    private let bound: BoundComponent<lamina_metric>
    private let handle: UnsafeMutableRawPointer?

    /// Creates the metric. Throws `AttributeError` or `CallError`.
    public init(_ component: Component, _ attributes: JSONObject = [:], host: TestHost = TestHost()) throws {
        bound = try BoundComponent(component, kind: LAMINA_KIND_METRIC, attributes, host)
        handle = try bound.create(bound.table.pointee.create)
    }

    deinit { bound.table.pointee.destroy(handle) }

    public var higherIsBetter: Bool { bound.table.pointee.direction(handle) == LAMINA_METRIC_HIGHER_IS_BETTER }

    public func reset() { bound.table.pointee.reset(handle) }

    /// Adds one batch. Throws `CallError`, also when the metric writes to it.
    public func update(prediction: TensorValue, target: TensorValue) throws {
        let tensors = TensorArray([prediction, target], names: ["the prediction", "the target"])
        let watched = WatchedTensors.readOnly(tensors)
        let status = bound.table.pointee.update(handle, tensors.raw, tensors.raw + 1)
        try bound.finish("update", status, watched)
    }

    /// The values since the last reset, in the metric's order. Throws `CallError`.
    public func result() throws -> [MetricResult] {
        final class Sink { var results: [MetricResult] = [] }
        let results = Sink()
        var sink = lamina_metric_sink()
        sink.struct_size = UInt32(MemoryLayout<lamina_metric_sink>.size)
        sink.sink = Unmanaged.passUnretained(results).toOpaque()
        sink.add_value = { sink, name, value in
            Unmanaged<Sink>.fromOpaque(sink!).takeUnretainedValue().results.append(
                .value(String(cString: name!), value))
        }
        sink.add_matrix = { sink, name, rows, columns, values in
            let values = Array(UnsafeBufferPointer(start: values, count: Int(rows * columns)))
            Unmanaged<Sink>.fromOpaque(sink!).takeUnretainedValue().results.append(
                .matrix(String(cString: name!), rows: Int(rows), columns: Int(columns), values))
        }
        let status = withExtendedLifetime(results) { bound.table.pointee.result(handle, &sink) }
        try bound.finish("result", status)
        return results.results
    }
}
