import CLamina

/// A quality measure that is accumulated over the batches of a dataset.
public protocol Metric: ComponentType, AnyObject {
    init(_ attributes: Attributes) throws
    var higherIsBetter: Bool { get }
    func reset()
    /// Adds one batch.
    func update(prediction: Tensor, target: Tensor) throws
    /// The values since the last reset.
    func result() throws -> [MetricResult]
}

/// One number or matrix of a metric; the empty name is its main value.
public enum MetricResult: Sendable, Equatable {
    case value(String, Double)
    /// Row-major.
    case matrix(String, rows: Int, columns: Int, [Double])
}

extension Component {
    public static func metric<M: Metric>(_ type: M.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_METRIC, vtable: MetricTable.shared,
            factory: Factory<MetricTable.Make>({ try M($0) }))
    }
}

enum MetricTable {
    typealias Make = (Attributes) throws -> any Metric
    typealias MetricBox = Box<any Metric>

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_metric(
                struct_size: UInt32(MemoryLayout<lamina_metric>.size), reserved: 0,
                create: { component, host, attributes, out in
                    host!.status {
                        let metric = try Factory<Make>.of(component)(Attributes(attributes))
                        out!.pointee = MetricBox(metric, Host(host!)).retained
                    }
                },
                destroy: { MetricBox.release($0) },
                reset: { MetricBox.at($0).value.reset() },
                update: { handle, prediction, target in
                    let box = MetricBox.at(handle)
                    return box.host.raw.status {
                        try box.value.update(prediction: Tensor(prediction!), target: Tensor(target!))
                    }
                },
                result: { handle, sink in
                    let box = MetricBox.at(handle)
                    return box.host.raw.status {
                        for result in try box.value.result() {
                            switch result {
                            case .value(let name, let value):
                                sink!.pointee.add_value(sink!.pointee.sink, name, value)
                            case .matrix(let name, let rows, let columns, let values):
                                guard rows >= 0, columns >= 0, values.count == rows * columns else {
                                    throw PluginError.internal(
                                        "a matrix of \(rows) × \(columns) has \(values.count) values")
                                }
                                sink!.pointee.add_matrix(
                                    sink!.pointee.sink, name, Int64(rows), Int64(columns), values)
                            }
                        }
                    }
                },
                direction: {
                    MetricBox.at($0).value.higherIsBetter
                        ? LAMINA_METRIC_HIGHER_IS_BETTER : LAMINA_METRIC_LOWER_IS_BETTER
                })))
}
