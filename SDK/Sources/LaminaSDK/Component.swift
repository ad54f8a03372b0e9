import CLamina

/// What every kind of component tells about itself.
public protocol ComponentType {
    /// snake_case; with the plugin's id before it, it is the id that recipes use.
    static var name: String { get }
    /// Raised when equal attributes would compute something else.
    static var version: Int { get }
    /// One line for `lamina plugins show`.
    static var documentation: String { get }
    static var attributes: [AttributeSchema] { get }
}

extension ComponentType {
    public static var version: Int { 1 }
    public static var attributes: [AttributeSchema] { [] }
}

/// A named input of a layer, loss or block.
public struct Port: Sendable, Equatable {
    public enum Arity: Sendable { case required, optional, variadic }
    public var name: String
    public var arity: Arity
    public var documentation: String

    public init(_ name: String, _ arity: Arity = .required, _ documentation: String = "") {
        self.name = name
        self.arity = arity
        self.documentation = documentation
    }

    var flags: UInt32 {
        switch arity {
        case .required: 0
        case .optional: LAMINA_PORT_OPTIONAL
        case .variadic: LAMINA_PORT_VARIADIC
        }
    }
}

/// One entry of a plugin's catalogue, ready for the C ABI: `.layer(Dense.self)`, `.optimizer(Adam.self)`, …
public struct Component: @unchecked Sendable {
    public let kind: String
    public let name: String
    /// Lives as long as the process.
    public let raw: UnsafePointer<lamina_component>

    /// A component that is already in the C form, such as one of a loaded library.
    public init(_ raw: UnsafePointer<lamina_component>) {
        kind = String(cString: raw.pointee.kind)
        name = String(cString: raw.pointee.name)
        self.raw = raw
    }

    init(
        _ type: any ComponentType.Type, kind: String, inputs: [Port] = [], suffixes: [String] = [], link: String? = nil,
        vtable: UnsafeRawPointer, factory: AnyObject
    ) {
        self.kind = kind
        self.name = type.name
        let schemas = type.attributes.map { $0.exported() }
        let ports = inputs.map { port in
            lamina_port(
                name: permanent(port.name), documentation: permanent(port.documentation), flags: port.flags, reserved: 0
            )
        }
        raw = UnsafePointer(
            permanent(
                lamina_component(
                    struct_size: UInt32(MemoryLayout<lamina_component>.size), version: UInt32(type.version),
                    kind: permanent(kind), name: permanent(type.name), documentation: permanent(type.documentation),
                    attribute_count: Int32(schemas.count), input_count: Int32(ports.count),
                    attributes: permanent(schemas), inputs: permanent(ports), vtable: vtable,
                    context: Unmanaged.passRetained(factory).toOpaque(),
                    suffixes: suffixes.isEmpty ? nil : permanent(suffixes.joined(separator: "|")),
                    link: link.map { permanent($0) })))
    }
}

extension AttributeSchema {
    func exported() -> UnsafePointer<lamina_attribute_schema>? {
        UnsafePointer(
            permanent(
                lamina_attribute_schema(
                    struct_size: UInt32(MemoryLayout<lamina_attribute_schema>.size), types: types,
                    name: permanent(name), documentation: permanent(documentation),
                    default_json: defaultJSON.map { permanent($0) }, minimum: minimum, maximum: maximum,
                    choices: choices.isEmpty ? nil : permanent(choices.joined(separator: "|")),
                    minimum_count: Int32(countRange.lowerBound), maximum_count: Int32(countRange.upperBound),
                    flags: isPath ? LAMINA_ATTRIBUTE_PATH : 0, reserved: 0)))
    }
}

// The catalogue lives as long as the process: the host keeps pointers into it and never unloads a library.

func permanent<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let memory = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    memory.initialize(to: value)
    return memory
}

func permanent<Value>(_ values: [Value]) -> UnsafePointer<Value> {
    let memory = UnsafeMutablePointer<Value>.allocate(capacity: max(values.count, 1))
    memory.initialize(from: values, count: values.count)
    return UnsafePointer(memory)
}

func permanent(_ text: String) -> UnsafePointer<CChar> { permanent(Array(text.utf8CString)) }

/// Carries a Swift type behind `lamina_component.context` to the C functions of its vtable.
final class Factory<Make> {
    let make: Make
    init(_ make: Make) { self.make = make }

    static func of(_ component: UnsafePointer<lamina_component>?) -> Make {
        Unmanaged<Factory<Make>>.fromOpaque(component!.pointee.context).takeUnretainedValue().make
    }
}

/// A Swift value behind an opaque C handle, together with the host that it works for.
final class Box<Value> {
    let value: Value
    let host: Host

    init(_ value: Value, _ host: Host) {
        self.value = value
        self.host = host
    }

    var retained: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    @inline(__always)
    static func at(_ handle: UnsafeMutableRawPointer?) -> Box<Value> {
        Unmanaged<Box<Value>>.fromOpaque(handle!).takeUnretainedValue()
    }

    static func release(_ handle: UnsafeMutableRawPointer?) {
        if let handle { Unmanaged<Box<Value>>.fromOpaque(handle).release() }
    }
}
