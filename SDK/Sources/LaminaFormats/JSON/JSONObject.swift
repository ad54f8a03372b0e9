/// The members of a JSON object, in the order in which they stood, with lookup by key.
///
/// Keys are compared byte by byte. A `Dictionary` keyed by `String` would take "é" (one scalar) and "é" (two) for the
/// same key, and so let two readers of one file see different values.
public struct JSONObject: Sendable, Equatable {
    /// One key with its value.
    public struct Member: Sendable, Equatable {
        public let key: String
        public var value: JSON

        public init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }

        public static func == (left: Member, right: Member) -> Bool {
            sameBytes(left.key, right.key) && left.value == right.value
        }
    }

    /// The members in their order.
    public private(set) var members: [Member] = []

    /// Positions by key; kept only beyond `scanLimit` members, below which a scan is faster than hashing.
    private var positions: [JSONKey: Int]?
    private static let scanLimit = 8

    public init() {}

    /// An object with these members. The keys must differ; a repetition is a bug of the caller.
    public init(_ members: [(String, JSON)]) {
        for (key, value) in members {
            let isNew = append(key, value)
            precondition(isNew, "the key '\(key)' stands twice in a JSON object")
        }
    }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }

    /// The keys in their order.
    public var keys: [String] { members.map(\.key) }

    /// The value for `key`. Setting an existing key keeps its place, a new one goes to the end, and nil removes.
    public subscript(key: String) -> JSON? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (nil, let value?): append(key, value)
            case (let position?, nil):
                members.remove(at: position)
                positions = nil
                indexIfLarge()
            case (nil, nil): break
            }
        }
    }

    /// Where `key` stands among `members`, or nil.
    public func position(of key: String) -> Int? {
        if let positions { return positions[JSONKey(key)] }
        return members.firstIndex { sameBytes($0.key, key) }
    }

    /// Adds a member at the end, unless the key is there already; returns whether it was added.
    @discardableResult
    public mutating func append(_ key: String, _ value: JSON) -> Bool {
        guard position(of: key) == nil else { return false }
        members.append(Member(key: key, value: value))
        if positions != nil { positions![JSONKey(key)] = members.count - 1 } else { indexIfLarge() }
        return true
    }

    /// The members of both; of keys in both, the value of `other`.
    public func merging(_ other: JSONObject) -> JSONObject {
        var merged = self
        for member in other.members { merged[member.key] = member.value }
        return merged
    }

    private mutating func indexIfLarge() {
        guard members.count > Self.scanLimit else { return }
        var table = [JSONKey: Int](minimumCapacity: members.count * 2)
        for (position, member) in members.enumerated() { table[JSONKey(member.key)] = position }
        positions = table
    }

    public static func == (left: JSONObject, right: JSONObject) -> Bool { left.members == right.members }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}

/// A string that hashes and compares by its UTF-8 bytes.
struct JSONKey: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: JSONKey, right: JSONKey) -> Bool { sameBytes(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
