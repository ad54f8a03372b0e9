import CLamina

/// A dataset with random access by sample. The host shuffles, splits, batches and prefetches.
public protocol Source: ComponentType, AnyObject {
    /// Endings of files that this source reads alone ("png"), with an attribute `path`: `lamina predict` uses it.
    static var suffixes: [String] { get }
    /// Opens; throws `.file` or `.data` with a text that names the file.
    init(_ attributes: Attributes, host: Host) throws
    var description: SourceDescription { get }
    /// Writes the samples `indices` to `outputs`, one [count, shape…] tensor per field, plain.
    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws
    /// Calls `body` with the UTF-8 text of each of the samples `indices` in this order; `field` counts text fields alone.
    /// Texts that are not UTF-8 throw `.data` with the file and the line.
    func readText(
        _ field: Int, _ indices: UnsafeBufferPointer<Int64>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws
}

extension Source {
    public static var suffixes: [String] { [] }
    public func readText(
        _ field: Int, _ indices: UnsafeBufferPointer<Int64>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        throw PluginError.internal("\(Self.name) has no text field")
    }
}

/// What a source has: how many samples, which fields, which classes.
public struct SourceDescription: Sendable {
    public struct Field: Sendable, Equatable {
        public var name: String
        public var dtype: DataType
        /// Without the batch dimension.
        public var shape: [Int]
        public init(_ name: String, _ dtype: DataType, _ shape: [Int]) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
        }
    }
    public var count: Int
    public var fields: [Field]
    /// Names of the fields that are text, which `readText` reads.
    public var textFields: [String]
    /// Names of the classes that an integer field counts.
    public var classes: [String]
    /// Identifies the data: 32 bytes.
    public var fingerprint: [UInt8]?
    /// Attributes, as a JSON object, with which another file is read as this one: the columns that were found, say.
    ///
    /// At most `readingLimit` bytes.
    public var readingJSON: String?
    /// Models keep it in their manifest, whose size is limited.
    public static let readingLimit = 1 << 21

    public init(
        count: Int, fields: [Field], textFields: [String] = [], classes: [String] = [], fingerprint: [UInt8]? = nil,
        readingJSON: String? = nil
    ) {
        self.count = count
        self.fields = fields
        self.textFields = textFields
        self.classes = classes
        self.fingerprint = fingerprint
        self.readingJSON = readingJSON
    }
}

extension Component {
    public static func source<S: Source>(_ type: S.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_SOURCE, suffixes: type.suffixes, vtable: SourceTable.shared,
            factory: Factory<SourceTable.Make>({ try S($0, host: $1) }))
    }
}

enum SourceTable {
    typealias Make = (Attributes, Host) throws -> any Source
    typealias SourceBox = Box<any Source>

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_source(
                struct_size: UInt32(MemoryLayout<lamina_source>.size), reserved: 0,
                create: { component, host, attributes, out in
                    host!.status {
                        let source = try Factory<Make>.of(component)(Attributes(attributes), Host(host!))
                        out!.pointee = SourceBox(source, Host(host!)).retained
                    }
                },
                destroy: { SourceBox.release($0) },
                describe: { handle, sink in
                    let description = SourceBox.at(handle).value.description
                    let context = sink!.pointee.sink
                    sink!.pointee.set_count(context, Int64(description.count))
                    for field in description.fields {
                        sink!.pointee.add_field(
                            context, field.name, field.dtype.raw, Int32(field.shape.count), field.shape.map(Int64.init))
                    }
                    for name in description.classes { sink!.pointee.add_class(context, name) }
                    if let fingerprint = description.fingerprint {
                        precondition(fingerprint.count == 32, "a fingerprint has 32 bytes")
                        sink!.pointee.set_fingerprint(context, fingerprint)
                    }
                    let end = MemoryLayout<lamina_source_sink>.offset(of: \.set_reading)! + MemoryLayout<Int>.size
                    if let reading = description.readingJSON, Int(sink!.pointee.struct_size) >= end {
                        sink!.pointee.set_reading(context, reading)
                    }
                    let textEnd =
                        MemoryLayout<lamina_source_sink>.offset(of: \.add_text_field)! + MemoryLayout<Int>.size
                    if Int(sink!.pointee.struct_size) >= textEnd {
                        for name in description.textFields { sink!.pointee.add_text_field(context, name) }
                    }
                    return LAMINA_OK
                },
                read: { handle, count, indices, outputs in
                    let box = SourceBox.at(handle)
                    return box.host.raw.status {
                        try box.value.read(
                            UnsafeBufferPointer(start: indices, count: Int(count)), into: Tensors(outputs!))
                    }
                },
                read_text: { handle, field, count, indices, sink in
                    let box = SourceBox.at(handle)
                    return box.host.raw.status(passingOnFailures: true) {
                        try box.value.readText(Int(field), UnsafeBufferPointer(start: indices, count: Int(count))) {
                            guard sink!.pointee.add(sink!.pointee.sink, lamina_string($0)) == LAMINA_OK else {
                                throw HostFailure()
                            }
                        }
                        return LAMINA_OK
                    }
                })))
}
