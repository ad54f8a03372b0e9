import CLamina
import LaminaFormats
import LaminaSDK

extension AttributeValue {
    /// The value as recipes and archives write it.
    public var json: JSON {
        switch self {
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(Int64(value))
        case .real(let value): .number(value)
        case .string(let value): .string(value)
        case .integers(let values): .array(values.map { .integer(Int64($0)) })
        case .reals(let values): .array(values.map { .number($0) })
        case .strings(let values): .array(values.map { .string($0) })
        }
    }
}

extension JSONObject {
    /// Reads attributes that a plugin hands over: those of an initializer or of a block's node; nil are none.
    ///
    /// Nothing is trusted: NULL names, unknown types, negative counts and invalid UTF-8 throw `AttributeError`.
    public init(_ attributes: UnsafePointer<lamina_attributes>?) throws(AttributeError) {
        self.init()
        guard let attributes else { return }
        let size = UInt32(MemoryLayout<lamina_attributes>.size)
        guard attributes.pointee.struct_size >= size, attributes.pointee.count >= 0,
            attributes.pointee.count == 0 || attributes.pointee.items != nil
        else { throw AttributeError(.schema, "", "the plugin's attribute list is malformed") }
        for index in 0..<Int(attributes.pointee.count) {
            let item = attributes.pointee.items[index]
            guard let text = item.name, let name = String(validatingCString: text) else {
                throw AttributeError(.schema, "", "attribute \(index) of the plugin has no valid name")
            }
            guard append(name, try Self.value(item, name)) else {
                throw AttributeError(.schema, name, "the plugin gives attribute '\(name)' twice")
            }
        }
    }

    private static func value(_ item: lamina_attribute, _ name: String) throws(AttributeError) -> JSON {
        func malformed() -> AttributeError {
            AttributeError(.schema, name, "the plugin's value of attribute '\(name)' is malformed")
        }
        guard item.count >= 0, item.count <= Int64(Int32.max), item.count == 0 || item.values != nil else {
            throw malformed()
        }
        let count = Int(item.count)
        func array<Element>(_ type: Element.Type) -> UnsafeBufferPointer<Element> {
            UnsafeBufferPointer(start: item.values?.assumingMemoryBound(to: Element.self), count: count)
        }
        let elements: [JSON]
        switch item.type {
        case LAMINA_ATTRIBUTE_BOOL: elements = array(UInt8.self).map { .bool($0 != 0) }
        case LAMINA_ATTRIBUTE_INTEGER, LAMINA_ATTRIBUTE_INTEGERS: elements = array(Int64.self).map { .integer($0) }
        case LAMINA_ATTRIBUTE_REAL, LAMINA_ATTRIBUTE_REALS: elements = array(Double.self).map { .number($0) }
        case LAMINA_ATTRIBUTE_STRING, LAMINA_ATTRIBUTE_STRINGS:
            var strings: [JSON] = []
            for view in array(lamina_string.self) {
                guard let size = view.data == nil ? 0 : Int(exactly: view.size) else { throw malformed() }
                let bytes = UnsafeRawBufferPointer(start: view.data, count: size)
                guard let string = String(validating: bytes, as: UTF8.self) else { throw malformed() }
                strings.append(.string(string))
            }
            elements = strings
        default: throw malformed()
        }
        let lists = LAMINA_ATTRIBUTE_INTEGERS | LAMINA_ATTRIBUTE_REALS | LAMINA_ATTRIBUTE_STRINGS
        if item.type & lists != 0 { return .array(elements) }
        guard elements.count == 1 else { throw malformed() }
        return elements[0]
    }
}
