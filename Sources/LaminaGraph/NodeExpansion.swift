import CLamina
import LaminaFormats
import LaminaHost
import LaminaSchema

/// What a plugin's `expand` adds, of a block or of a layer's tangent: copies of its nodes and outputs, checked as they come.
/// Nothing is trusted.
package final class NodeExpansion {
    package struct Node {
        package var name: String
        package var component: String
        package var attributes: JSONObject
        /// "#0", "name" or "name:1"; nil: not connected.
        package var inputs: [String?]
        /// The layer whose parameters it uses.
        package var share: String?
        package var initializers: [String: GraphDefinition.Initializer]
    }

    package private(set) var nodes: [Node] = []
    /// References as in `Node.inputs`; nil: none is given.
    package private(set) var outputs: [String?] = []
    /// Why something was refused; the plugin may not have passed it on.
    private var refusal: String?
    private let nodeLimit: Int

    private init(nodeLimit: Int) { self.nodeLimit = nodeLimit }

    package struct Failure: Error {
        package let message: String
        package init(message: String) { self.message = message }
    }

    /// Runs a plugin's code that expands something.
    ///
    /// - Parameters:
    ///   - inputCount: how many inputs it is connected to.
    ///   - nodeLimit: how many nodes it may add.
    ///   - subject: what is said before the plugin's text when it refuses.
    package static func collect(
        inputCount: Int, nodeLimit: Int, runtime: Runtime, refusing subject: String = "it refused to expand",
        _ expand: (UnsafePointer<lamina_expansion>) -> lamina_status
    ) throws(Failure) -> NodeExpansion {
        let result = NodeExpansion(nodeLimit: nodeLimit)
        var expansion = lamina_expansion(
            struct_size: UInt32(MemoryLayout<lamina_expansion>.size), input_count: Int32(inputCount),
            sink: Unmanaged.passUnretained(result).toOpaque(),
            add_node: { sink, node in
                NodeExpansion.at(sink).accept { sink throws(Failure) in try sink.add(node) }
            },
            add_output: { sink, reference in
                NodeExpansion.at(sink).accept { sink throws(Failure) in
                    sink.outputs.append(
                        try reference.map { pointer throws(Failure) in
                            try sink.string(pointer, "the reference of an output")
                        })
                }
            })
        let status = withExtendedLifetime(result) { expand(&expansion) }
        do {
            try runtime.check(status, subject)
        } catch {
            // Ours is nearer to the cause than what the plugin made of it.
            throw Failure(message: result.refusal ?? error.description)
        }
        if let refusal = result.refusal { throw Failure(message: refusal) }
        return result
    }

    private static func at(_ sink: UnsafeMutableRawPointer?) -> NodeExpansion {
        Unmanaged<NodeExpansion>.fromOpaque(sink!).takeUnretainedValue()
    }

    private func accept(_ body: (NodeExpansion) throws(Failure) -> Void) -> lamina_status {
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
        guard name.isNodeName else { throw Failure(message: "the plugin named a node '\(Self.shortened(name))'") }
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

    /// The beginning of a name that is none, in one line.
    private static func shortened(_ name: String) -> String {
        let text = name.unicodeScalars.prefix(40).map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }
            .joined()
        return text.unicodeScalars.count < name.unicodeScalars.count ? text + "…" : text
    }
}
