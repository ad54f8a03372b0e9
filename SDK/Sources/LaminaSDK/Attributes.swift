import CLamina

/// The attributes of one component, validated by the host, defaults filled in. Valid only during the call.
///
/// Asking for a name or a type that the schema does not declare is a bug of the plugin and traps; what the schema
/// declares as optional has an `optional…` accessor.
public struct Attributes {
    let raw: UnsafePointer<lamina_attributes>?

    public init(_ raw: UnsafePointer<lamina_attributes>?) { self.raw = raw }

    private func find(_ name: String) -> lamina_attribute? {
        guard let raw else { return nil }
        for index in 0..<Int(raw.pointee.count) where String(cString: raw.pointee.items[index].name) == name {
            return raw.pointee.items[index]
        }
        return nil
    }

    private func find(_ name: String, _ type: UInt32) -> lamina_attribute? {
        guard let attribute = find(name), attribute.type == type else { return nil }
        return attribute
    }

    private func require<Value>(_ name: String, _ value: Value?) -> Value {
        guard let value else { preconditionFailure("attribute '\(name)' is not in the schema with this type") }
        return value
    }

    /// Whether an optional attribute was given.
    public func has(_ name: String) -> Bool { find(name) != nil }

    public func optionalBool(_ name: String) -> Bool? {
        find(name, LAMINA_ATTRIBUTE_BOOL).map { $0.values.load(as: UInt8.self) != 0 }
    }
    public func optionalInteger(_ name: String) -> Int? {
        find(name, LAMINA_ATTRIBUTE_INTEGER).map { Int($0.values.load(as: Int64.self)) }
    }
    public func optionalReal(_ name: String) -> Double? {
        find(name, LAMINA_ATTRIBUTE_REAL).map { $0.values.load(as: Double.self) }
    }
    public func optionalString(_ name: String) -> String? {
        find(name, LAMINA_ATTRIBUTE_STRING).map { String($0.values.load(as: lamina_string.self)) }
    }
    public func optionalIntegers(_ name: String) -> [Int]? {
        find(name, LAMINA_ATTRIBUTE_INTEGERS).map { attribute in
            (0..<Int(attribute.count)).map { Int(attribute.values.assumingMemoryBound(to: Int64.self)[$0]) }
        }
    }
    public func optionalReals(_ name: String) -> [Double]? {
        find(name, LAMINA_ATTRIBUTE_REALS).map { attribute in
            (0..<Int(attribute.count)).map { attribute.values.assumingMemoryBound(to: Double.self)[$0] }
        }
    }
    public func optionalStrings(_ name: String) -> [String]? {
        find(name, LAMINA_ATTRIBUTE_STRINGS).map { attribute in
            (0..<Int(attribute.count)).map { String(attribute.values.assumingMemoryBound(to: lamina_string.self)[$0]) }
        }
    }

    public func bool(_ name: String) -> Bool { require(name, optionalBool(name)) }
    public func integer(_ name: String) -> Int { require(name, optionalInteger(name)) }
    public func real(_ name: String) -> Double { require(name, optionalReal(name)) }
    public func float(_ name: String) -> Float { Float(real(name)) }
    public func string(_ name: String) -> String { require(name, optionalString(name)) }
    public func integers(_ name: String) -> [Int] { require(name, optionalIntegers(name)) }
    public func reals(_ name: String) -> [Double] { require(name, optionalReals(name)) }
    public func strings(_ name: String) -> [String] { require(name, optionalStrings(name)) }

    /// A per-axis setting: a list of `rank` integers, or one that holds for all axes.
    public func perAxis(_ name: String, rank: Int) throws -> [Int] {
        let values = integers(name)
        if values.count == 1 { return Array(repeating: values[0], count: rank) }
        guard values.count == rank else {
            throw PluginError.attribute("\(name) has \(values.count) values, wanted 1 or \(rank): give one per axis")
        }
        return values
    }
}

extension String {
    init(_ view: lamina_string) {
        self = String(decoding: view.bytes, as: UTF8.self)
    }
}

/// A value to hand to the host: an initializer's or a block node's attribute.
public enum AttributeValue: Sendable, Equatable {
    case bool(Bool)
    case integer(Int)
    case real(Double)
    case string(String)
    case integers([Int])
    case reals([Double])
    case strings([String])
}

/// Owns the C form of named values for as long as it lives.
package final class AttributeStorage {
    private var allocations: [UnsafeMutableRawPointer] = []
    private let items: UnsafeMutablePointer<lamina_attribute>
    package let raw: UnsafeMutablePointer<lamina_attributes>

    convenience init(_ values: KeyValuePairs<String, AttributeValue>) { self.init(values.map { ($0, $1) }) }

    package init(_ values: [(name: String, value: AttributeValue)]) {
        items = .allocate(capacity: max(values.count, 1))
        raw = .allocate(capacity: 1)
        raw.initialize(
            to: lamina_attributes(
                struct_size: UInt32(MemoryLayout<lamina_attributes>.size), count: Int32(values.count), items: items))
        for (index, (name, value)) in values.enumerated() {
            let (type, count, pointer) = store(value)
            items[index] = lamina_attribute(
                name: copy(name).data, type: type, reserved: 0, count: Int64(count), values: pointer)
        }
    }

    deinit {
        allocations.forEach { $0.deallocate() }
        items.deallocate()
        raw.deallocate()
    }

    private func store(_ value: AttributeValue) -> (UInt32, Int, UnsafeRawPointer) {
        switch value {
        case .bool(let value): (LAMINA_ATTRIBUTE_BOOL, 1, array([UInt8(value ? 1 : 0)]))
        case .integer(let value): (LAMINA_ATTRIBUTE_INTEGER, 1, array([Int64(value)]))
        case .real(let value): (LAMINA_ATTRIBUTE_REAL, 1, array([value]))
        case .string(let value): (LAMINA_ATTRIBUTE_STRING, 1, array([copy(value)]))
        case .integers(let values): (LAMINA_ATTRIBUTE_INTEGERS, values.count, array(values.map(Int64.init)))
        case .reals(let values): (LAMINA_ATTRIBUTE_REALS, values.count, array(values))
        case .strings(let values): (LAMINA_ATTRIBUTE_STRINGS, values.count, array(values.map(copy)))
        }
    }

    private func array<Element>(_ values: [Element]) -> UnsafeRawPointer {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(values.count, 1))
        memory.initialize(from: values, count: values.count)
        allocations.append(UnsafeMutableRawPointer(memory))
        return UnsafeRawPointer(memory)
    }

    private func copy(_ text: String) -> lamina_string {
        let characters = text.utf8CString
        let memory = array(Array(characters)).assumingMemoryBound(to: CChar.self)
        return lamina_string(data: memory, size: UInt64(characters.count - 1))
    }
}
