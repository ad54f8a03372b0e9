import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// A source behind its C vtable.
public final class SourceHarness {
    private let bound: BoundComponent<lamina_source>
    private let handle: UnsafeMutableRawPointer?
    /// What the source has told about itself when it was opened.
    public let description: SourceDescription

    /// Opens the source. Throws `AttributeError` or `CallError`.
    public init(_ component: Component, _ attributes: JSONObject = [:], host: TestHost = TestHost()) throws {
        bound = try BoundComponent(component, kind: LAMINA_KIND_SOURCE, attributes, host)
        handle = try bound.create(bound.table.pointee.create)
        do {
            description = try Self.describe(bound, handle)
        } catch {
            bound.table.pointee.destroy(handle)
            throw error
        }
    }

    deinit { bound.table.pointee.destroy(handle) }

    private final class Sink {
        var description = SourceDescription(count: -1, fields: [])
        var faults: [String] = []

        static func of(_ sink: UnsafeMutableRawPointer?) -> Sink { Unmanaged.fromOpaque(sink!).takeUnretainedValue() }
    }

    private static func describe(
        _ bound: BoundComponent<lamina_source>, _ handle: UnsafeMutableRawPointer?
    ) throws(CallError) -> SourceDescription {
        let told = Sink()
        var sink = lamina_source_sink()
        sink.struct_size = UInt32(MemoryLayout<lamina_source_sink>.size)
        sink.sink = Unmanaged.passUnretained(told).toOpaque()
        sink.set_count = { Sink.of($0).description.count = Int($1) }
        sink.add_field = { sink, name, dtype, rank, shape in
            let sink = Sink.of(sink)
            guard let type = DataType(dtype), let shape = dimensions(rank, shape), shape.allSatisfy({ $0 >= 0 }) else {
                sink.faults.append("field '\(String(cString: name!))' has no known type or literal shape")
                return
            }
            sink.description.fields.append(.init(String(cString: name!), type, shape.map { Int($0) }))
        }
        sink.add_class = { Sink.of($0).description.classes.append(String(cString: $1!)) }
        sink.set_fingerprint = { sink, bytes in
            Sink.of(sink).description.fingerprint = Array(UnsafeBufferPointer(start: bytes, count: 32))
        }
        sink.add_text_field = { Sink.of($0).description.textFields.append(String(cString: $1!)) }
        sink.set_reading = { sink, text in
            Sink.of(sink).description.readingJSON = String(cString: text!)
        }
        let status = withExtendedLifetime(told) { bound.table.pointee.describe(handle, &sink) }
        try bound.finish("describe", status)
        if told.description.count < 0 { told.faults.append("describe gives no count of samples") }
        if told.description.fields.isEmpty, told.description.textFields.isEmpty {
            told.faults.append("describe names no field")
        }
        if let fault = told.faults.first {
            throw CallError(call: "describe", status: LAMINA_ERROR_INTERNAL, text: fault, argument: -1)
        }
        if let text = told.description.readingJSON {
            do {
                guard text.utf8.count <= SourceDescription.readingLimit else {
                    throw JSONError(.wrongValue, "more than \(SourceDescription.readingLimit) bytes", path: "")
                }
                guard case .object(let reading) = try JSON.parse(text) else {
                    throw JSONError(.wrongValue, "wanted an object", path: "")
                }
                let names = try attributeSchemas(of: bound.raw).map(\.name)
                for key in reading.keys where !names.contains(key) {
                    throw JSONError(.wrongValue, "there is no such attribute", path: key)
                }
            } catch {
                throw CallError(
                    call: "describe", status: LAMINA_ERROR_INTERNAL, text: "the reading \(text.prefix(200)): \(error)",
                    argument: -1
                )
            }
        }
        return told.description
    }

    /// Reads samples, one tensor [count, shape…] per field. Throws `CallError`, also when memory is not respected.
    public func read(_ indices: [Int]) throws -> [TensorValue] {
        let fields = description.fields
        let outputs = TensorArray(
            fields.map { TensorForm($0.dtype, [Int64(indices.count)] + $0.shape.map(Int64.init)) },
            names: fields.map { "field '\($0.name)'" })
        outputs.allocate()
        let status = bound.table.pointee.read(
            handle, Int64(indices.count), indices.map(Int64.init), outputs.raw)
        try bound.finish("read", status, .written(outputs))
        return outputs.values
    }

    /// Reads the texts of samples. Throws `CallError`, also when their number is wrong or they are not UTF-8.
    public func readText(_ field: String, _ indices: [Int]) throws -> [String] {
        let number = description.textFields.firstIndex(of: field)!
        let collected = CollectedTexts()
        var sink = collected.sink
        let status = withExtendedLifetime(collected) {
            bound.table.pointee.read_text(
                handle, Int32(number), Int64(indices.count), indices.map(Int64.init), &sink)
        }
        try bound.finish("read_text", status)
        let texts = collected.texts.compactMap { String(validating: $0, as: UTF8.self) }
        guard texts.count == indices.count else {
            throw CallError(
                call: "read_text", status: LAMINA_ERROR_INTERNAL,
                text: "read_text gives \(texts.count) UTF-8 texts, wanted \(indices.count)", argument: -1)
        }
        return texts
    }
}

/// What a component hands to a text sink.
final class CollectedTexts {
    private(set) var texts: [[UInt8]] = []

    /// Valid while this object lives.
    var sink: lamina_text_sink {
        lamina_text_sink(
            struct_size: UInt32(MemoryLayout<lamina_text_sink>.size), reserved: 0,
            sink: Unmanaged.passUnretained(self).toOpaque(),
            add: { sink, text in
                Unmanaged<CollectedTexts>.fromOpaque(sink!).takeUnretainedValue().texts.append(Array(text.bytes))
                return LAMINA_OK
            })
    }
}
