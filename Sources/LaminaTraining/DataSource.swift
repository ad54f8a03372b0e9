import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import LaminaSchema

/// An opened dataset: how many samples, which fields, and samples by index.
public final class DataSource: @unchecked Sendable {
    public struct Field: Sendable, Equatable {
        public let name: String
        public let dtype: DataType
        /// Of one sample.
        public let shape: [Int]

        var count: Int { shape.reduce(1, *) }
    }

    public let id: String
    public private(set) var count = 0
    public private(set) var fields: [Field] = []
    /// Names of the fields that are text.
    public private(set) var textFields: [String] = []
    public private(set) var classes: [String] = []
    /// 32 bytes that identify the data, in hexadecimal digits, if the source gives them.
    public private(set) var fingerprint: String?
    /// Attributes with which the same source reads another file as this one.
    public private(set) var reading: JSONObject = [:]

    private let call: ComponentCall
    private let table: UnsafePointer<lamina_source>
    private let handle: UnsafeMutableRawPointer

    /// Opens it. Errors name the file.
    public init(_ id: String, _ given: JSONObject, registry: Registry) throws(TrainingError) {
        self.id = id
        call = try ComponentCall(kind: LAMINA_KIND_SOURCE, id, given, registry)
        table = call.component.table()
        handle = try call.create(table.pointee.create)
        let sink = Sink()
        var raw = lamina_source_sink()
        raw.struct_size = UInt32(MemoryLayout<lamina_source_sink>.size)
        raw.sink = Unmanaged.passUnretained(sink).toOpaque()
        raw.set_count = { Sink.at($0).count = Int($1) }
        raw.add_field = { sink, name, dtype, rank, shape in
            guard let name, let type = DataType(dtype), (0...8).contains(rank), rank == 0 || shape != nil else {
                return
            }
            let sizes = (0..<Int(rank)).map { Int(shape![$0]) }
            Sink.at(sink).fields.append(Field(name: String(cString: name), dtype: type, shape: sizes))
        }
        raw.add_class = { sink, name in
            if let name { Sink.at(sink).classes.append(String(cString: name)) }
        }
        raw.add_text_field = { sink, name in
            if let name { Sink.at(sink).textFields.append(String(cString: name)) }
        }
        raw.set_fingerprint = { sink, bytes in
            if let bytes { Sink.at(sink).fingerprint = hexadecimal((0..<32).map { bytes[$0] }) }
        }
        raw.set_reading = { sink, text in
            if let text { Sink.at(sink).reading = String(cString: text) }
        }
        try withExtendedLifetime(sink) { () throws(TrainingError) in
            try call.check(table.pointee.describe(handle, &raw))
        }
        guard sink.count >= 0, !sink.fields.isEmpty || !sink.textFields.isEmpty,
            sink.fields.allSatisfy({ $0.shape.allSatisfy { $0 >= 0 } })
        else {
            throw TrainingError(.internal, "\(id): describes no fields (a bug of the plugin)")
        }
        // An archive holds no such name: training would end without a model.
        for name in sink.classes {
            guard let fault = PlainText.fault(in: name) else { continue }
            throw TrainingError(
                .data,
                "\(id): the name of class '\(JSON.string(name).text().dropFirst().dropLast())' has the control character "
                    + "\(fault); rename it in the data")
        }
        (count, fields, classes, fingerprint) = (sink.count, sink.fields, sink.classes, sink.fingerprint)
        textFields = sink.textFields
        let end = MemoryLayout<lamina_source>.offset(of: \.read_text)! + 8
        guard textFields.isEmpty || (Int(table.pointee.struct_size) >= end && table.pointee.read_text != nil) else {
            throw TrainingError(.internal, "\(id): has text fields and no function to read them (a bug of the plugin)")
        }
        if let text = sink.reading {
            guard text.utf8.count <= SourceDescription.readingLimit,
                case .object(let attributes) = try? JSON.parse(text),
                (try? AttributeSet.bind(call.component.description.attributes, given.merging(attributes))) != nil
            else {
                throw TrainingError(
                    .internal, "\(id): cannot be read again with \(text.prefix(200)) (a bug of the plugin)")
            }
            reading = attributes
        }
    }

    deinit { table.pointee.destroy(handle) }

    private final class Sink {
        var count = 0
        var fields: [Field] = []
        var textFields: [String] = []
        var classes: [String] = []
        var fingerprint: String?
        var reading: String?

        static func at(_ pointer: UnsafeMutableRawPointer?) -> Sink {
            Unmanaged<Sink>.fromOpaque(pointer!).takeUnretainedValue()
        }
    }

    public func field(_ name: String) -> Field? { fields.first { $0.name == name } }

    /// Reads samples into one tensor per field, [count, shape…].
    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: UnsafePointer<lamina_tensor>) throws(TrainingError) {
        try call.check(table.pointee.read(handle, Int64(indices.count), indices.baseAddress, outputs))
    }

    /// Calls `body` with the text of each sample, in this order; the bytes are valid for the call.
    func readTexts(
        _ field: String, _ indices: [Int64], _ body: (UnsafeBufferPointer<UInt8>) throws(TrainingError) -> Void
    ) throws(TrainingError) {
        guard let number = textFields.firstIndex(of: field) else {
            throw TrainingError(.data, missingText(field, "the model"))
        }
        var (given, failure): (Int, TrainingError?) = (0, nil)
        var status = LAMINA_OK
        withoutActuallyEscaping(body) { body in
            let receiver = TextReceiver { text in
                given += 1
                do throws(TrainingError) {
                    try body(text)
                    return LAMINA_OK
                } catch {
                    failure = error
                    return LAMINA_ERROR_DATA
                }
            }
            var sink = lamina_text_sink()
            sink.struct_size = UInt32(MemoryLayout<lamina_text_sink>.size)
            sink.sink = Unmanaged.passUnretained(receiver).toOpaque()
            sink.add = { Unmanaged<TextReceiver>.fromOpaque($0!).takeUnretainedValue().receive($1.bytes) }
            status = withExtendedLifetime(receiver) {
                table.pointee.read_text(handle, Int32(number), Int64(indices.count), indices, &sink)
            }
            receiver.receive = { _ in LAMINA_OK }
        }
        if let failure { throw failure }
        try call.check(status)
        guard given == indices.count else {
            throw TrainingError(
                .internal, "\(id): gives \(given) texts, wanted \(indices.count) (a bug of the plugin)")
        }
    }

    private final class TextReceiver {
        var receive: (UnsafeBufferPointer<UInt8>) -> lamina_status
        init(_ receive: @escaping (UnsafeBufferPointer<UInt8>) -> lamina_status) { self.receive = receive }
    }

    /// One line for a text field that is not there.
    func missingText(_ field: String, _ wanting: String) -> String {
        let near = Suggestion.question(for: field, among: textFields)
        let has =
            textFields.isEmpty ? "no text at all" : "texts " + textFields.map { "'\($0)'" }.joined(separator: ", ")
        return "\(id) has no text '\(field)', which \(wanting) reads; it has \(has)\(near)"
    }
}
