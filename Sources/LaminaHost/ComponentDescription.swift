import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// All that is known of a component without running its code: the content of `plugin.json` for it.
public struct ComponentDescription: Sendable, Equatable {
    public var kind: String
    /// "<plugin>.<name>", unique within its kind.
    public var id: String
    public var version: Int
    public var documentation: String
    public var inputs: [Port]
    public var attributes: [AttributeSchema]
    /// Endings of files that a source reads alone.
    public var suffixes: [String]
    /// Losses: id of the layer that turns their input into predictions.
    public var link: String?

    /// The same to whoever uses it; defaults are compared as values, not as text.
    public static func == (a: ComponentDescription, b: ComponentDescription) -> Bool {
        a.kind == b.kind && a.id == b.id && a.version == b.version && a.documentation == b.documentation
            && a.inputs == b.inputs && a.suffixes == b.suffixes && a.link == b.link
            && a.attributes.elementsEqual(b.attributes) { $0.isSame(as: $1) }
    }

    var name: String { String(id[id.index(after: id.firstIndex(of: ".")!)...]) }

    /// How many inputs it takes; the upper bound is nil when it is variadic.
    public var inputRange: (least: Int, most: Int?) {
        let required = inputs.filter { $0.arity != .optional }.count
        return (required, inputs.last?.arity == .variadic ? nil : inputs.count)
    }
}

extension ComponentDescription {
    /// Reads what a loaded plugin says of a component. Nothing is trusted.
    init(_ raw: UnsafePointer<lamina_component>, plugin: String) throws(HostError) {
        let c = raw.pointee
        guard c.struct_size >= UInt32(MemoryLayout<lamina_component>.size), let kind = c.kind, let name = c.name,
            c.vtable != nil, c.input_count >= 0, c.input_count == 0 || c.inputs != nil
        else { throw .incompatiblePlugin("plugin '\(plugin)' declares a component without kind, name or functions") }
        self.kind = String(cString: kind)
        let shortName = String(cString: name)
        guard shortName.isComponentName else {
            throw .incompatiblePlugin("plugin '\(plugin)' declares a component named '\(shortName)', wanted snake_case")
        }
        id = "\(plugin).\(shortName)"
        version = Int(c.version)
        documentation = c.documentation.map { String(cString: $0) } ?? ""
        inputs = (0..<Int(c.input_count)).map { index in
            let port = c.inputs[index]
            let arity: Port.Arity =
                port.flags & LAMINA_PORT_VARIADIC != 0
                ? .variadic : port.flags & LAMINA_PORT_OPTIONAL != 0 ? .optional : .required
            return Port(
                port.name.map { String(cString: $0) } ?? "input\(index)", arity,
                port.documentation.map { String(cString: $0) } ?? "")
        }
        do {
            attributes = try attributeSchemas(of: raw)
        } catch {
            throw .incompatiblePlugin("plugin '\(plugin)', component '\(shortName)': \(error.text)")
        }
        suffixes = c.suffixes.map { String(cString: $0).split(separator: "|").map(String.init) } ?? []
        link = c.link.map { String(cString: $0) }
    }

    /// The entry of `plugin.json`.
    public var json: JSON {
        var object = JSONObject([
            ("kind", .string(kind)), ("name", .string(name)), ("version", .integer(Int64(version))),
            ("documentation", .string(documentation)),
        ])
        if !inputs.isEmpty { object.append("inputs", .array(inputs.map(\.json))) }
        if !attributes.isEmpty { object.append("attributes", .array(attributes.map(\.json))) }
        if !suffixes.isEmpty { object.append("suffixes", .array(suffixes.map { .string($0) })) }
        if let link { object.append("link", .string(link)) }
        return .object(object)
    }

    init(json: JSON, plugin: String, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        kind = try fields.read("kind")
        let name: String = try fields.read("name")
        guard name.isComponentName else {
            throw JSONError(.wrongValue, "'\(name)' is no component name, wanted snake_case", path: path + ".name")
        }
        id = "\(plugin).\(name)"
        version = try fields.read("version")
        documentation = try fields.read("documentation")
        inputs = []
        let ports = try fields.readIfPresent("inputs", as: [JSON].self) ?? []
        for (index, port) in ports.enumerated() { inputs.append(try Port(json: port, at: "\(path).inputs[\(index)]")) }
        attributes = []
        let schemas = try fields.readIfPresent("attributes", as: [JSON].self) ?? []
        for (index, schema) in schemas.enumerated() {
            attributes.append(try AttributeSchema(json: schema, at: "\(path).attributes[\(index)]"))
        }
        suffixes = try fields.readIfPresent("suffixes") ?? []
        link = try fields.readIfPresent("link")
        try fields.finish()
    }
}

extension AttributeSchema {
    fileprivate func isSame(as other: AttributeSchema) -> Bool {
        var (first, second) = (self, other)
        (first.defaultJSON, second.defaultJSON) = (nil, nil)
        return first == second && (defaultJSON == other.defaultJSON || json == other.json)
    }
}

extension Port {
    fileprivate var json: JSON {
        .object(
            JSONObject([
                ("name", .string(name)), ("arity", .string("\(arity)")), ("documentation", .string(documentation)),
            ]))
    }

    fileprivate init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        let name: String = try fields.read("name")
        let arity: String = try fields.read("arity")
        let arities: [String: Arity] = ["required": .required, "optional": .optional, "variadic": .variadic]
        guard let known = arities[arity] else {
            throw JSONError(.wrongValue, "'\(arity)' is no arity, wanted required, optional or variadic", path: path)
        }
        self.init(name, known, try fields.read("documentation"))
        try fields.finish()
    }
}

extension String {
    /// [a-z][a-z0-9_]*
    var isComponentName: Bool {
        guard let first = utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "_")
        }
    }
}
