import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSchema

/// What a block's `expand` adds: copies of its nodes and outputs, checked as they come. Nothing is trusted.
final class BlockExpansion {
    struct Node {
        var name: String
        var component: String
        var attributes: JSONObject
        /// "#0", "name" or "name:1"; nil: not connected.
        var inputs: [String?]
        /// The layer whose parameters it uses.
        var share: String?
        var initializers: [String: GraphDefinition.Initializer]
    }

    private(set) var nodes: [Node] = []
    private(set) var outputs: [String] = []
    /// Why something was refused; the plugin may not have passed it on.
    private(set) var refusal: String?
    private let nodeLimit: Int

    private init(nodeLimit: Int) { self.nodeLimit = nodeLimit }

    struct Failure: Error { let message: String }

    /// Runs the block's code.
    ///
    /// - Parameter inputCount: how many inputs the block is connected to.
    static func run(
        _ component: LoadedComponent, _ attributes: AttributeSet, inputCount: Int, nodeLimit: Int, runtime: Runtime
    ) throws(Failure) -> BlockExpansion {
        let table = component.table(lamina_block.self)
        guard table.pointee.struct_size >= UInt32(MemoryLayout<lamina_block>.size), let expand = table.pointee.expand
        else {
            throw Failure(message: "the plugin gives no function that expands it")
        }
        let result = BlockExpansion(nodeLimit: nodeLimit)
        var expansion = lamina_expansion(
            struct_size: UInt32(MemoryLayout<lamina_expansion>.size), input_count: Int32(inputCount),
            sink: Unmanaged.passUnretained(result).toOpaque(),
            add_node: { sink, node in
                BlockExpansion.at(sink).accept { sink throws(Failure) in try sink.add(node) }
            },
            add_output: { sink, reference in
                BlockExpansion.at(sink).accept { sink throws(Failure) in
                    sink.outputs.append(try sink.string(reference, "the reference of an output"))
                }
            })
        let status = withExtendedLifetime((result, attributes)) {
            expand(component.raw, runtime.services, attributes.raw, &expansion)
        }
        do {
            try runtime.check(status, "it refused to expand")
        } catch {
            // Ours is nearer to the cause than what the plugin made of it.
            throw Failure(message: result.refusal ?? error.description)
        }
        if let refusal = result.refusal { throw Failure(message: refusal) }
        guard !result.outputs.isEmpty else { throw Failure(message: "the plugin gave it no output") }
        return result
    }

    private static func at(_ sink: UnsafeMutableRawPointer?) -> BlockExpansion {
        Unmanaged<BlockExpansion>.fromOpaque(sink!).takeUnretainedValue()
    }

    private func accept(_ body: (BlockExpansion) throws(Failure) -> Void) -> lamina_status {
        do {
            try body(self)
            return LAMINA_OK
        } catch {
            if refusal == nil { refusal = error.message }
            return LAMINA_ERROR_INTERNAL
        }
    }

    private func add(_ node: UnsafePointer<lamina_block_node>?) throws(Failure) {
        guard let raw = lamina_block_node(node) else { throw Failure(message: "the plugin added a malformed node") }
        let name = try string(raw.name, "a node's name")
        guard name.isNodeName else { throw Failure(message: "the plugin named a node '\(shortened(name))'") }
        guard nodes.count < nodeLimit else { throw Failure(message: "it has more than \(nodeLimit) nodes") }
        guard raw.input_count >= 0, raw.input_count <= 4096, raw.input_count == 0 || raw.inputs != nil else {
            throw Failure(message: "the plugin gave node '\(name)' a malformed list of inputs")
        }
        var inputs: [String?] = []
        for index in 0..<Int(raw.input_count) {
            if let reference = raw.inputs[index] {
                inputs.append(try string(reference, "an input of node '\(name)'"))
            } else {
                inputs.append(nil)
            }
        }
        nodes.append(
            Node(
                name: name, component: try string(raw.component, "the component of node '\(name)'"),
                attributes: try attributes(raw.attributes, of: name), inputs: inputs,
                share: try raw.share.map { pointer throws(Failure) in
                    try string(pointer, "the layer whose parameters node '\(name)' shares")
                }, initializers: try initializers(raw, of: name)))
    }

    private func attributes(_ raw: UnsafePointer<lamina_attributes>?, of node: String) throws(Failure) -> JSONObject {
        do {
            return try JSONObject(raw)
        } catch {
            throw Failure(message: "node '\(node)': \(error.text)")
        }
    }

    private func initializers(
        _ node: lamina_block_node, of name: String
    ) throws(Failure) -> [String: GraphDefinition.Initializer] {
        guard (0...4096).contains(node.initializer_count), node.initializer_count == 0 || node.initializers != nil
        else { throw Failure(message: "the plugin gave node '\(name)' a malformed list of initializers") }
        var result: [String: GraphDefinition.Initializer] = [:]
        for index in 0..<Int(node.initializer_count) {
            let raw = node.initializers[index]
            let parameter = try string(raw.parameter, "a parameter of node '\(name)'")
            result[parameter] = .init(
                try string(raw.component, "an initializer of node '\(name)'"), try attributes(raw.attributes, of: name))
        }
        return result
    }

    private func string(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(Failure) -> String {
        guard let pointer, let string = String(validatingCString: pointer) else {
            throw Failure(message: "the plugin gave no valid text for \(what)")
        }
        return string
    }
}
