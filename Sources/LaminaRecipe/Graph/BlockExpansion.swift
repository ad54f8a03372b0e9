import CLamina
import LaminaFormats
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
        guard let node, node.pointee.struct_size >= UInt32(MemoryLayout<lamina_block_node>.size) else {
            throw Failure(message: "the plugin added a malformed node")
        }
        let raw = node.pointee
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
        let attributes: JSONObject
        do {
            attributes = try JSONObject(raw.attributes)
        } catch {
            throw Failure(message: "node '\(name)': \(error.text)")
        }
        nodes.append(
            Node(
                name: name, component: try string(raw.component, "the component of node '\(name)'"),
                attributes: attributes, inputs: inputs))
    }

    private func string(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(Failure) -> String {
        guard let pointer, let string = String(validatingCString: pointer) else {
            throw Failure(message: "the plugin gave no valid text for \(what)")
        }
        return string
    }
}
