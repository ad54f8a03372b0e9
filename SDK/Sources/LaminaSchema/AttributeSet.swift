import CLamina
import LaminaFormats
import LaminaSDK

/// The attributes of one component, checked against its schema, defaults filled in, in the form that the ABI hands
/// over.
///
/// ```swift
/// let attributes = try AttributeSet.bind(attributeSchemas(of: component), ["units": 10])
/// vtable.create(component, host, attributes.raw, &layer)
/// ```
public final class AttributeSet: @unchecked Sendable {
    /// Name and value of every attribute that is present, in the schema's order.
    public let values: [(name: String, value: AttributeValue)]
    private let storage: AttributeStorage

    /// Lives as long as this object.
    public var raw: UnsafePointer<lamina_attributes> { UnsafePointer(storage.raw) }

    private init(_ values: [(name: String, value: AttributeValue)]) {
        self.values = values
        storage = AttributeStorage(values)
    }

    /// Checks `given` against `schema` and fills in the defaults.
    ///
    /// - Parameter folder: what relative values of path attributes are relative to; nil leaves them as they are.
    /// - Throws: `AttributeError` for the first fault: unknown names, then values in the order of the schema.
    public static func bind(
        _ schema: [AttributeSchema], _ given: JSONObject, pathsRelativeTo folder: String? = nil
    ) throws(AttributeError) -> AttributeSet {
        for key in given.keys where !schema.contains(where: { $0.name == key }) {
            throw unknown(key, schema)
        }
        var values: [(name: String, value: AttributeValue)] = []
        for attribute in schema {
            var value: AttributeValue?
            if let json = given[attribute.name] {
                value = try attribute.value(json)
            } else {
                value = try attribute.defaultValue()
            }
            if attribute.isPath, let folder, case .string(let path) = value, !path.hasPrefix("/") {
                value = .string(folder + "/" + path)
            }
            if let value { values.append((attribute.name, value)) }
        }
        return AttributeSet(values)
    }

    private static func unknown(_ key: String, _ schema: [AttributeSchema]) -> AttributeError {
        let names = schema.map(\.name)
        let known = names.isEmpty ? "there are none" : "known are " + AttributeSchema.quoted(names)
        let hint = Suggestion.closest(to: key, among: names).map { "did you mean '\($0)'?" } ?? known
        return AttributeError(.unknown, key, "unknown attribute '\(key)'; \(hint)")
    }

    /// The value of an attribute, or nil when it is absent.
    public subscript(name: String) -> AttributeValue? { values.first { $0.name == name }?.value }

    /// Every present attribute with its value, defaults included, as archives record them.
    public var json: JSONObject { JSONObject(values.map { ($0.name, $0.value.json) }) }
}

extension AttributeSchema {
    /// The value when none is given; nil: absent. Throws `missing` when one has to be given.
    public func defaultValue() throws(AttributeError) -> AttributeValue? {
        guard let defaultJSON else {
            let about = documentation.isEmpty ? "" : ": " + documentation
            throw AttributeError(.missing, name, "missing attribute '\(name)', \(requirement)\(about)")
        }
        let json: JSON
        do {
            json = try JSON.parse(defaultJSON)
        } catch {
            throw AttributeError(.schema, name, "\(name): the default of the schema is no JSON: \(error)")
        }
        return try value(json)
    }
}
