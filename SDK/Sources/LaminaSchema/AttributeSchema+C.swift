import CLamina
import LaminaFormats
import LaminaSDK

extension AttributeSchema {
    /// Reads a schema of a plugin, trusting nothing. Throws `AttributeError` of reason `schema`.
    public init(_ raw: UnsafePointer<lamina_attribute_schema>) throws(AttributeError) {
        guard raw.pointee.struct_size >= UInt32(MemoryLayout<lamina_attribute_schema>.size) else {
            throw AttributeError(
                .schema, "", "an attribute schema has struct_size \(raw.pointee.struct_size), too small")
        }
        let raw = raw.pointee
        guard let text = raw.name, let name = String(validatingCString: text) else {
            throw AttributeError(.schema, "", "an attribute schema has no valid name")
        }
        func string(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(AttributeError) -> String? {
            guard let pointer else { return nil }
            guard let string = String(validatingCString: pointer) else {
                throw AttributeError(.schema, name, "\(name): the schema's \(what) is not UTF-8")
            }
            return string
        }
        guard raw.minimum_count >= 0, raw.minimum_count <= raw.maximum_count else {
            throw AttributeError(
                .schema, name, "\(name): the schema's counts \(raw.minimum_count) to \(raw.maximum_count) are no range")
        }
        let choices = try string(raw.choices, "list of choices")
        guard raw.minimum <= raw.maximum else {
            throw AttributeError(
                .schema, name, "\(name): the schema's bounds \(raw.minimum) to \(raw.maximum) are no range")
        }
        self.init(
            name, types: raw.types, defaultJSON: try string(raw.default_json, "default"),
            range: raw.minimum...raw.maximum, choices: choices.map { $0.split(separator: "|").map(String.init) } ?? [],
            count: Int(raw.minimum_count)...Int(raw.maximum_count), isPath: raw.flags & LAMINA_ATTRIBUTE_PATH != 0,
            try string(raw.documentation, "documentation") ?? "")
        try validate()
    }

    /// Checks the schema itself: a snake_case name, known types, a default that the schema accepts.
    public func validate() throws(AttributeError) {
        func wrong(_ text: String) -> AttributeError { AttributeError(.schema, name, "\(name): \(text)") }
        guard let first = name.utf8.first, first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z"),
            name.utf8.allSatisfy({
                ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z"))
                    || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
                    || $0 == UInt8(ascii: "_")
            })
        else { throw AttributeError(.schema, name, "the attribute name '\(name)' of the schema is not snake_case") }
        guard !accepted.isEmpty, AttributeTypes.all.isSuperset(of: accepted) else {
            throw wrong("the schema's set of types \(types) is empty or has unknown ones")
        }
        if isPath, accepted != .string { throw wrong("the schema declares a path that is no string") }
        guard !isRequired else { return }
        do {
            _ = try defaultValue()
        } catch {
            throw wrong("the schema does not accept its own default: \(error.text)")
        }
    }
}

/// The schemas of a component's attributes, as a plugin declares them. Throws `AttributeError` of reason `schema`.
public func attributeSchemas(
    of component: UnsafePointer<lamina_component>
) throws(AttributeError) -> [AttributeSchema] {
    let count = Int(component.pointee.attribute_count)
    guard count >= 0, count == 0 || component.pointee.attributes != nil else {
        throw AttributeError(.schema, "", "the component has no valid list of attributes")
    }
    var schemas: [AttributeSchema] = []
    for index in 0..<count {
        guard let raw = component.pointee.attributes[index] else {
            throw AttributeError(.schema, "", "attribute schema \(index) is NULL")
        }
        let schema = try AttributeSchema(raw)
        guard !schemas.contains(where: { $0.name == schema.name }) else {
            throw AttributeError(.schema, schema.name, "the schema declares attribute '\(schema.name)' twice")
        }
        schemas.append(schema)
    }
    return schemas
}
