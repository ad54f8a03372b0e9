import CLamina
import Glibc

/// A macro that expands to a subgraph of layers and other blocks.
public protocol Block: ComponentType {
    static var inputs: [Port] { get }
    init(_ attributes: Attributes) throws
    func expand(_ expansion: Expansion) throws
}

extension Block {
    public static var inputs: [Port] { [Port("input")] }
}

/// Collects the nodes of a block.
public struct Expansion {
    public let raw: UnsafePointer<lamina_expansion>
    public let host: Host

    public var inputCount: Int { Int(raw.pointee.input_count) }
    /// The reference to one of the block's own inputs.
    public func input(_ index: Int = 0) -> String { "#\(index)" }

    /// Adds a node and returns the reference to its first output. Inputs must have been added before; nil leaves an
    /// optional one unconnected.
    @discardableResult
    public func add(
        _ component: String, name: String, inputs: [String?], _ attributes: KeyValuePairs<String, AttributeValue> = [:],
        sharing: String? = nil, initializers: NodeInitializers = [:]
    ) throws -> String {
        try add(
            component, name: name, inputs: inputs, attributes.map { ($0, $1) }, sharing: sharing,
            initializers: initializers)
    }

    /// The same with attributes that were put together elsewhere.
    ///
    /// - Parameters:
    ///   - sharing: the name of a layer before it whose parameters the node uses instead of its own.
    ///   - initializers: what takes the place of the layer's own initializers, by parameter.
    @discardableResult
    public func add(
        _ component: String, name: String, inputs: [String?], _ attributes: [(name: String, value: AttributeValue)],
        sharing: String? = nil, initializers: NodeInitializers = [:]
    ) throws -> String {
        guard (sharing == nil && initializers.isEmpty) || host.raw.pointee.abi_minor >= 1 else {
            throw PluginError.unsupported(
                "the block wants parameters shared or begun in other ways, which this host's ABI 1.0 cannot do; use a newer one"
            )
        }
        try withBlockNode(component, name, inputs, attributes, sharing, initializers) { node in
            try check(raw.pointee.add_node(raw.pointee.sink, node), "the host refused node '\(name)' (\(component))")
        }
        return name
    }

    /// Makes a node's output an output of the block.
    public func addOutput(_ reference: String) throws {
        try check(raw.pointee.add_output(raw.pointee.sink, reference), "the host refused output '\(reference)'")
    }
}

/// Initializers of a node's parameters, with their attributes, by the parameters' names.
public typealias NodeInitializers = KeyValuePairs<
    String, (component: String, attributes: KeyValuePairs<String, AttributeValue>)
>

/// A node in its C form while `body` runs.
func withBlockNode(
    _ component: String, _ name: String, _ inputs: [String?], _ attributes: [(name: String, value: AttributeValue)],
    _ share: String? = nil, _ initializers: NodeInitializers = [:],
    _ body: (UnsafePointer<lamina_block_node>) throws -> Void
) throws {
    let storage = AttributeStorage(attributes)
    let settings = initializers.map { AttributeStorage($0.value.attributes) }
    var texts: [UnsafeMutablePointer<CChar>?] = [share.flatMap { strdup($0) }]
    let replacements = zip(initializers, settings).map { entry, settings in
        texts += [strdup(entry.key), strdup(entry.value.component)]
        return lamina_block_initializer(
            parameter: texts[texts.count - 2], component: texts[texts.count - 1], attributes: settings.raw)
    }
    defer { texts.forEach { free($0) } }
    let references = inputs.map { $0.map { UnsafePointer<CChar>(strdup($0)!) } }
    defer { references.forEach { free(UnsafeMutableRawPointer(mutating: $0)) } }
    try withExtendedLifetime((storage, settings)) {
        try name.withCString { name in
            try component.withCString { component in
                try references.withUnsafeBufferPointer { references in
                    try replacements.withUnsafeBufferPointer { replacements in
                        var node = lamina_block_node(
                            struct_size: UInt32(MemoryLayout<lamina_block_node>.size),
                            input_count: Int32(references.count), name: name, component: component,
                            attributes: storage.raw, inputs: references.baseAddress, share: texts[0],
                            initializer_count: Int32(replacements.count), reserved: 0,
                            initializers: replacements.baseAddress)
                        try body(&node)
                    }
                }
            }
        }
    }
}

extension Component {
    public static func block<B: Block>(_ type: B.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_BLOCK, inputs: type.inputs, vtable: BlockTable.shared,
            factory: Factory<BlockTable.Make>({ try B($0) }))
    }
}

enum BlockTable {
    typealias Make = (Attributes) throws -> any Block

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_block(
                struct_size: UInt32(MemoryLayout<lamina_block>.size), reserved: 0,
                expand: { component, host, attributes, expansion in
                    host!.status {
                        let block = try Factory<Make>.of(component)(Attributes(attributes))
                        try block.expand(Expansion(raw: expansion!, host: Host(host!)))
                    }
                })))
}
