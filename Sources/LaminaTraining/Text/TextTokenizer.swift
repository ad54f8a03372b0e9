import CLamina
import LaminaFormats
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// A tokenizer component with its vocabulary. Not for use from several threads at once.
public final class TextTokenizer: @unchecked Sendable {
    public let component: Recipe.Component
    /// The vocabulary, a tokenizer.json: with the component, all that another process needs.
    public let json: [UInt8]
    public let vocabularySize: Int
    private let call: ComponentCall
    private let table: UnsafePointer<lamina_tokenizer>
    private let handle: UnsafeMutableRawPointer

    /// From a vocabulary; errors are `.data` when it is damaged.
    public init(_ component: Recipe.Component, json: [UInt8], registry: Registry) throws(TrainingError) {
        self.component = component
        self.json = json
        let call = try ComponentCall(kind: LAMINA_KIND_TOKENIZER, component.id, component.attributes, registry)
        let table: UnsafePointer<lamina_tokenizer> = call.component.table()
        let handle = try json.withUnsafeBufferPointer { bytes in
            Result { () throws(TrainingError) in
                try call.create { table.pointee.create($0, $1, $2, lamina_string(bytes), $3) }
            }
        }.get()
        (self.call, self.table, self.handle) = (call, table, handle)
        vocabularySize = Int(table.pointee.vocabulary_size(handle))
        // All is set by now: `deinit` destroys it.
        guard (1...Int(Int32.max)).contains(vocabularySize) else {
            throw TrainingError(
                .internal, "\(component.id): a vocabulary of \(vocabularySize) tokens (a bug of the plugin)")
        }
    }

    deinit { table.pointee.destroy(handle) }

    /// Learns a vocabulary from fields of a source, one field after the other; of these samples, or of all.
    public static func train(
        _ component: Recipe.Component, on source: DataSource, fields: [String], samples: [Int64]? = nil,
        registry: Registry
    ) throws(TrainingError) -> TextTokenizer {
        let call = try ComponentCall(kind: LAMINA_KIND_TOKENIZER, component.id, component.attributes, registry)
        let table: UnsafePointer<lamina_tokenizer> = call.component.table()
        let feed = TextFeeder(source, fields: fields, samples: samples)
        var rawFeed = feed.raw
        let result = ByteCollector()
        var sink = result.raw
        let status = withExtendedLifetime((feed, result)) {
            table.pointee.train(call.component.raw, call.services, call.attributes.raw, &rawFeed, &sink)
        }
        if let failure = feed.failure { throw failure }
        try call.check(status)
        return try TextTokenizer(component, json: result.bytes, registry: registry)
    }

    /// Appends the ids of a text.
    public func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int32]) throws(TrainingError) {
        let collector = IDCollector(limit: vocabularySize)
        swap(&collector.ids, &ids)
        var sink = lamina_id_sink(
            struct_size: UInt32(MemoryLayout<lamina_id_sink>.size), reserved: 0,
            sink: Unmanaged.passUnretained(collector).toOpaque(),
            add: { sink, count, values in
                let collector = Unmanaged<IDCollector>.fromOpaque(sink!).takeUnretainedValue()
                guard count >= 0, count == 0 || values != nil else {
                    collector.isWrong = true
                    return LAMINA_ERROR_INTERNAL
                }
                for id in UnsafeBufferPointer(start: values, count: Int(count)) {
                    if id < 0 || id >= collector.limit { collector.isWrong = true }
                    collector.ids.append(Int32(truncatingIfNeeded: id))
                }
                return LAMINA_OK
            })
        let status = withExtendedLifetime(collector) { table.pointee.encode(handle, lamina_string(text), &sink) }
        swap(&collector.ids, &ids)
        guard !collector.isWrong else {
            throw TrainingError(.internal, "\(component.id): gives ids beyond its vocabulary (a bug of the plugin)")
        }
        try call.check(status)
    }

    /// The ids of a text.
    public func encode(_ text: String) throws(TrainingError) -> [Int32] {
        var ids: [Int32] = []
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBufferPointer { bytes in
            Result { () throws(TrainingError) in try encode(bytes, into: &ids) }
        }.get()
        return ids
    }

    /// The text of ids, without special tokens.
    public func decode(_ ids: [Int64]) throws(TrainingError) -> String {
        let result = ByteCollector()
        var sink = result.raw
        try call.check(
            withExtendedLifetime(result) { table.pointee.decode(handle, Int64(ids.count), ids, &sink) })
        return String(decoding: result.bytes, as: UTF8.self)
    }

    /// A token as it stands in the vocabulary; nil for an id that is none.
    public func token(_ id: Int) throws(TrainingError) -> String? {
        guard (0..<vocabularySize).contains(id) else { return nil }
        let result = ByteCollector()
        var sink = result.raw
        try call.check(withExtendedLifetime(result) { table.pointee.token(handle, Int64(id), &sink) })
        return String(decoding: result.bytes, as: UTF8.self)
    }

    /// The id of a token as it stands in the vocabulary.
    public func id(of token: String) -> Int? {
        let id = Array(token.utf8).withUnsafeBufferPointer { table.pointee.id(handle, lamina_string($0)) }
        return id < 0 || id >= vocabularySize ? nil : Int(id)
    }

    /// The id of padding, begin, …; nil: the vocabulary has none.
    public func special(_ token: SpecialToken) -> Int? {
        let id = table.pointee.special(handle, token.rawValue)
        return id < 0 || id >= vocabularySize ? nil : Int(id)
    }
}

private final class IDCollector {
    var ids: [Int32] = []
    let limit: Int
    var isWrong = false
    init(limit: Int) { self.limit = limit }
}

/// Joins what a component hands to a text sink.
final class ByteCollector {
    private(set) var bytes: [UInt8] = []

    /// Valid while this object lives.
    var raw: lamina_text_sink {
        lamina_text_sink(
            struct_size: UInt32(MemoryLayout<lamina_text_sink>.size), reserved: 0,
            sink: Unmanaged.passUnretained(self).toOpaque(),
            add: { sink, text in
                Unmanaged<ByteCollector>.fromOpaque(sink!).takeUnretainedValue().bytes.append(contentsOf: text.bytes)
                return LAMINA_OK
            })
    }
}

/// Hands the texts of a source to a tokenizer that learns, a few hundred at a time in memory.
private final class TextFeeder {
    private let source: DataSource
    private let fields: [String]
    /// nil: all.
    private let samples: [Int64]?
    private let count: Int
    private var texts: [[UInt8]] = []
    private var position = 0
    private var field = 0
    /// How many samples have been read of the field.
    private var done = 0
    private var current: UnsafeMutableBufferPointer<UInt8>
    private(set) var failure: TrainingError?
    private static let chunk = 256

    init(_ source: DataSource, fields: [String], samples: [Int64]?) {
        self.source = source
        self.fields = fields
        self.samples = samples
        count = samples?.count ?? source.count
        current = .allocate(capacity: 1)
    }

    deinit { current.deallocate() }

    var raw: lamina_text_feed {
        lamina_text_feed(
            struct_size: UInt32(MemoryLayout<lamina_text_feed>.size), reserved: 0,
            feed: Unmanaged.passUnretained(self).toOpaque(),
            next: { Unmanaged<TextFeeder>.fromOpaque($0!).takeUnretainedValue().next($1) })
    }

    private func next(_ out: UnsafeMutablePointer<lamina_string>?) -> Int32 {
        while position == texts.count {
            if done == count { (field, done) = (field + 1, 0) }
            guard field < fields.count, count > 0 else { return 0 }
            do throws(TrainingError) {
                let end = min(count, done + Self.chunk)
                let next = samples.map { Array($0[done..<end]) } ?? (Int64(done)..<Int64(end)).map { $0 }
                texts = []
                try source.readTexts(fields[field], next) { self.texts.append(Array($0)) }
                (done, position) = (end, 0)
            } catch {
                failure = error
                return -1
            }
        }
        let text = texts[position]
        if text.count > current.count {
            current.deallocate()
            current = .allocate(capacity: text.count)
        }
        _ = current.update(fromContentsOf: text)
        position += 1
        out?.pointee = lamina_string(UnsafeBufferPointer(rebasing: current[..<text.count]))
        return 1
    }
}
