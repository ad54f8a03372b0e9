import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe

/// One metric of a recipe, accumulated over batches.
public final class MetricDriver: @unchecked Sendable {
    /// What a metric gives: its main value (name "") and others, and matrices.
    public struct Result: Sendable, Equatable {
        public struct Matrix: Sendable, Equatable {
            public let name: String
            public let rows: Int
            public let columns: Int
            /// Row-major; rows are the true classes.
            public let values: [Double]
        }
        public fileprivate(set) var values: [(name: String, value: Double)] = []
        public fileprivate(set) var matrices: [Matrix] = []

        public static func == (a: Result, b: Result) -> Bool {
            a.values.map(\.name) == b.values.map(\.name) && a.values.map(\.value) == b.values.map(\.value)
                && a.matrices == b.matrices
        }
    }

    /// "<plugin>.<name>"
    public let id: String
    /// "accuracy": how columns of the history are named.
    public let name: String
    public let higherIsBetter: Bool
    private let call: ComponentCall
    private let table: UnsafePointer<lamina_metric>
    private let handle: UnsafeMutableRawPointer

    public init(_ metric: Recipe.Component, name: String, registry: Registry) throws(TrainingError) {
        id = metric.id
        self.name = name
        call = try ComponentCall(kind: LAMINA_KIND_METRIC, metric.id, metric.attributes, registry)
        table = call.component.table()
        handle = try call.create(table.pointee.create)
        higherIsBetter = table.pointee.direction(handle) == LAMINA_METRIC_HIGHER_IS_BETTER
    }

    deinit { table.pointee.destroy(handle) }

    func reset() { table.pointee.reset(handle) }

    func update(_ prediction: UnsafePointer<lamina_tensor>, _ target: UnsafePointer<lamina_tensor>)
        throws(TrainingError)
    {
        try call.check(table.pointee.update(handle, prediction, target))
    }

    func result() throws(TrainingError) -> Result {
        final class Sink { var result = Result() }
        let sink = Sink()
        var raw = lamina_metric_sink()
        raw.struct_size = UInt32(MemoryLayout<lamina_metric_sink>.size)
        raw.sink = Unmanaged.passUnretained(sink).toOpaque()
        raw.add_value = { sink, name, value in
            Unmanaged<Sink>.fromOpaque(sink!).takeUnretainedValue().result.values.append(
                (name.map { String(cString: $0) } ?? "", value))
        }
        raw.add_matrix = { sink, name, rows, columns, values in
            guard let values, rows >= 0, columns >= 0 else { return }
            Unmanaged<Sink>.fromOpaque(sink!).takeUnretainedValue().result.matrices.append(
                .init(
                    name: name.map { String(cString: $0) } ?? "", rows: Int(rows), columns: Int(columns),
                    values: (0..<Int(rows * columns)).map { values[$0] }))
        }
        let status = table.pointee.result(handle, &raw)
        return try withExtendedLifetime(sink) { () throws(TrainingError) in
            try call.check(status)
            return sink.result
        }
    }
}
