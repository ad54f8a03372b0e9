import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// A tokenizer behind its C vtable.
public final class TokenizerHarness {
    private let bound: BoundComponent<lamina_tokenizer>
    private let handle: UnsafeMutableRawPointer?
    /// The vocabulary that it was made from.
    public let json: [UInt8]

    /// Learns a vocabulary from texts and makes the tokenizer of it. Throws `AttributeError` or `CallError`.
    public convenience init(
        _ component: Component, _ attributes: JSONObject = [:], on texts: [String], host: TestHost = TestHost()
    ) throws {
        try self.init(component, attributes, on: texts.map { Array($0.utf8) }, host: host)
    }

    /// The same with texts that may be no UTF-8.
    public convenience init(
        _ component: Component, _ attributes: JSONObject = [:], on texts: [[UInt8]], host: TestHost = TestHost()
    ) throws {
        let json = try Self.train(component, attributes, on: texts, host: host)
        try self.init(component, attributes, json: json, host: host)
    }

    /// The vocabulary that texts give. Throws `AttributeError` or `CallError`.
    public static func train(
        _ component: Component, _ attributes: JSONObject = [:], on texts: [[UInt8]], host: TestHost = TestHost()
    ) throws -> [UInt8] {
        let bound = try BoundComponent<lamina_tokenizer>(component, kind: LAMINA_KIND_TOKENIZER, attributes, host)
        let (source, result) = (Texts(texts), CollectedTexts())
        var feed = lamina_text_feed(
            struct_size: UInt32(MemoryLayout<lamina_text_feed>.size), reserved: 0,
            feed: Unmanaged.passUnretained(source).toOpaque(),
            next: { Unmanaged<Texts>.fromOpaque($0!).takeUnretainedValue().next($1!) })
        var sink = result.sink
        let status = withExtendedLifetime((source, result)) {
            bound.table.pointee.train(bound.raw, host.raw, bound.attributes.raw, &feed, &sink)
        }
        try bound.finish("train", status)
        return result.texts.count == 1 ? result.texts[0] : try wrongCount("train", result.texts.count)
    }

    /// Makes the tokenizer of a vocabulary, which may be damaged. Throws `AttributeError` or `CallError`.
    public init(
        _ component: Component, _ attributes: JSONObject = [:], json: [UInt8], host: TestHost = TestHost()
    ) throws {
        let bound = try BoundComponent<lamina_tokenizer>(component, kind: LAMINA_KIND_TOKENIZER, attributes, host)
        let handle = try json.withUnsafeBufferPointer { bytes in
            try bound.create { bound.table.pointee.create($0, $1, $2, lamina_string(bytes), $3) }
        }
        (self.bound, self.handle, self.json) = (bound, handle, json)
    }

    deinit { bound.table.pointee.destroy(handle) }

    /// Hands out texts, whose memory is gone at the next call.
    private final class Texts {
        private let texts: [[UInt8]]
        private var position = 0
        private var current = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 0)

        init(_ texts: [[UInt8]]) { self.texts = texts }
        deinit { current.deallocate() }

        func next(_ out: UnsafeMutablePointer<lamina_string>) -> Int32 {
            current.update(repeating: 0xDB)
            current.deallocate()
            current = .allocate(capacity: position < texts.count ? texts[position].count : 0)
            guard position < texts.count else { return 0 }
            _ = current.initialize(from: texts[position])
            out.pointee = lamina_string(UnsafeBufferPointer(current))
            position += 1
            return 1
        }
    }

    private static func wrongCount(_ call: String, _ count: Int) throws -> [UInt8] {
        throw CallError(
            call: call, status: LAMINA_ERROR_INTERNAL, text: "\(call) calls its sink \(count) times, wanted once",
            argument: -1)
    }

    public var vocabularySize: Int { Int(bound.table.pointee.vocabulary_size(handle)) }

    public func special(_ token: SpecialToken) -> Int { Int(bound.table.pointee.special(handle, token.rawValue)) }

    public func encode(_ text: String) throws -> [Int] { try encode(Array(text.utf8)) }

    /// Throws `CallError`, also for ids outside of the vocabulary.
    public func encode(_ text: [UInt8]) throws -> [Int] {
        final class Ids { var ids: [Int] = [] }
        let found = Ids()
        var sink = lamina_id_sink(
            struct_size: UInt32(MemoryLayout<lamina_id_sink>.size), reserved: 0,
            sink: Unmanaged.passUnretained(found).toOpaque(),
            add: { sink, count, ids in
                let found = Unmanaged<Ids>.fromOpaque(sink!).takeUnretainedValue()
                found.ids += UnsafeBufferPointer(start: ids, count: Int(count)).map { Int($0) }
                return LAMINA_OK
            })
        let status = text.withUnsafeBufferPointer { text in
            withExtendedLifetime(found) { bound.table.pointee.encode(handle, lamina_string(text), &sink) }
        }
        try bound.finish("encode", status)
        guard found.ids.allSatisfy({ (0..<vocabularySize).contains($0) }) else {
            throw CallError(
                call: "encode", status: LAMINA_ERROR_INTERNAL,
                text: "encode gives \(found.ids), the vocabulary has \(vocabularySize) tokens", argument: -1)
        }
        return found.ids
    }

    /// Throws `CallError`.
    public func decode(_ ids: [Int]) throws -> [UInt8] {
        let result = CollectedTexts()
        var sink = result.sink
        let status = withExtendedLifetime(result) {
            bound.table.pointee.decode(handle, Int64(ids.count), ids.map(Int64.init), &sink)
        }
        try bound.finish("decode", status)
        return result.texts.count == 1 ? result.texts[0] : try Self.wrongCount("decode", result.texts.count)
    }

    /// Throws `CallError`.
    public func token(_ id: Int) throws -> String {
        let result = CollectedTexts()
        var sink = result.sink
        let status = withExtendedLifetime(result) { bound.table.pointee.token(handle, Int64(id), &sink) }
        try bound.finish("token", status)
        return String(
            decoding: result.texts.count == 1 ? result.texts[0] : try Self.wrongCount("token", result.texts.count),
            as: UTF8.self)
    }

    /// -1: there is none.
    public func id(_ token: String) -> Int {
        Array(token.utf8).withUnsafeBufferPointer { Int(bound.table.pointee.id(handle, lamina_string($0))) }
    }
}
