import CLamina

/// Turns text into the numbers of a vocabulary and back. The host keeps what `train` gives in the model's archive.
///
/// The vocabulary's bytes are a `tokenizer.json` in the form of the Hugging Face `tokenizers` library.
public protocol Tokenizer: ComponentType, AnyObject {
    /// Learns a vocabulary. The same texts in the same order give the same bytes.
    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8]
    /// From what `train` gave; throws `.data` for anything else.
    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) throws
    /// Ids run from 0 to this - 1.
    var vocabularySize: Int { get }
    /// The id of a token with a meaning of its own; nil when the vocabulary has none.
    func special(_ token: SpecialToken) -> Int?
    /// Appends the ids of a text, without begin and end. Bytes that are not UTF-8 are encoded somehow.
    func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) throws
    /// The text of ids without special tokens; throws `.data` for ids that are none.
    func decode(_ ids: UnsafeBufferPointer<Int64>) throws -> [UInt8]
    /// A token as it stands in the vocabulary; nil for an id that is none.
    func token(_ id: Int) -> String?
    /// The id of a token as it stands in the vocabulary.
    func id(of token: String) -> Int?
}

/// Tokens with a meaning of their own.
public enum SpecialToken: Int32, Sendable, CaseIterable {
    /// Fills a batch up to its longest text.
    case padding = 0
    /// Stands for what the vocabulary lacks.
    case unknown = 1
    case begin = 2
    case end = 3
}

/// The host's texts to learn a vocabulary from, one after the other.
public struct TextFeed {
    let raw: UnsafePointer<lamina_text_feed>

    /// Calls `body` with every text; its bytes are valid for the call.
    public func forEach(_ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        while true {
            var text = lamina_string()
            switch raw.pointee.next(raw.pointee.feed, &text) {
            case 0: return
            case 1: try body(text.bytes)
            default: throw HostFailure()
            }
        }
    }
}

/// A call of the host failed, which has said why.
struct HostFailure: Error {}

extension lamina_string {
    /// The bytes, which are UTF-8 unless something says otherwise; none without memory, or when more than can be.
    public var bytes: UnsafeBufferPointer<UInt8> {
        guard let data, size > 0, let count = Int(exactly: size) else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(start: UnsafeRawPointer(data).assumingMemoryBound(to: UInt8.self), count: count)
    }

    /// A view of bytes, for the time that they live.
    public init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.init(
            data: UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self), size: UInt64(bytes.count))
    }
}

extension Component {
    public static func tokenizer<T: Tokenizer>(_ type: T.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_TOKENIZER, vtable: TokenizerTable.shared,
            factory: Factory<any Tokenizer.Type>(T.self))
    }
}

enum TokenizerTable {
    typealias TokenizerBox = Box<any Tokenizer>

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_tokenizer(
                struct_size: UInt32(MemoryLayout<lamina_tokenizer>.size), reserved: 0,
                train: { component, host, attributes, texts, json in
                    host!.status(passingOnFailures: true) {
                        let type = Factory<any Tokenizer.Type>.of(component)
                        let bytes = try type.train(Attributes(attributes), on: TextFeed(raw: texts!), host: Host(host!))
                        return bytes.withUnsafeBufferPointer {
                            json!.pointee.add(json!.pointee.sink, lamina_string($0))
                        }
                    }
                },
                create: { component, host, attributes, json, out in
                    host!.status {
                        let type = Factory<any Tokenizer.Type>.of(component)
                        let tokenizer = try type.init(
                            Attributes(attributes), json: UnsafeRawBufferPointer(json.bytes), host: Host(host!))
                        out!.pointee = TokenizerBox(tokenizer, Host(host!)).retained
                    }
                },
                destroy: { TokenizerBox.release($0) },
                vocabulary_size: { Int64(TokenizerBox.at($0).value.vocabularySize) },
                special: { handle, token in
                    SpecialToken(rawValue: token).flatMap { TokenizerBox.at(handle).value.special($0) }.map(Int64.init)
                        ?? -1
                },
                encode: { handle, text, sink in
                    let box = TokenizerBox.at(handle)
                    return box.host.raw.status(passingOnFailures: true) {
                        var ids: [Int64] = []
                        try box.value.encode(text.bytes, into: &ids)
                        return sink!.pointee.add(sink!.pointee.sink, Int64(ids.count), ids)
                    }
                },
                decode: { handle, count, ids, sink in
                    let box = TokenizerBox.at(handle)
                    return box.host.raw.status(passingOnFailures: true) {
                        let text = try box.value.decode(UnsafeBufferPointer(start: ids, count: Int(count)))
                        return text.withUnsafeBufferPointer { sink!.pointee.add(sink!.pointee.sink, lamina_string($0)) }
                    }
                },
                token: { handle, id, sink in
                    let box = TokenizerBox.at(handle)
                    return box.host.raw.status(passingOnFailures: true) {
                        guard var token = Int(exactly: id).flatMap({ box.value.token($0) }) else {
                            throw PluginError.data(
                                "there is no token \(id): ids run from 0 to \(box.value.vocabularySize - 1)")
                        }
                        return token.withUTF8 { sink!.pointee.add(sink!.pointee.sink, lamina_string($0)) }
                    }
                },
                id: { handle, token in
                    guard let text = String(validating: token.bytes, as: UTF8.self) else { return -1 }
                    return TokenizerBox.at(handle).value.id(of: text).map(Int64.init) ?? -1
                })))
}

extension UnsafePointer<lamina_host> {
    /// As `status(of:)`, for a body that hands results to the host, whose refusals and failures are passed on as they are.
    func status(passingOnFailures: Bool, _ body: () throws -> lamina_status) -> lamina_status {
        do {
            return try body()
        } catch is HostFailure {
            return LAMINA_ERROR_DATA
        } catch {
            return report(error)
        }
    }
}
