import CLamina
import CNN
import LaminaFormats
import LaminaSDK
import LaminaSchema
import LaminaTesting
import Testing

/// Expands a block through the C ABI as a host does, nested blocks of this family too.
final class BlockExpander {
    struct Node: Equatable, CustomStringConvertible {
        let name: String
        let component: String
        let inputs: [String]
        let attributes: String

        var description: String { "\(name) = \(component)(\(inputs.joined(separator: ", "))) \(attributes)" }
    }

    private(set) var nodes: [Node] = []
    private(set) var outputs: [String] = []
    private var prefix = ""
    /// What the block's inputs, "#0", and its nodes are called outside.
    private var names: [String: String] = [:]
    private var failure: String?

    /// The nodes and outputs of a block whose input is called "x".
    static func expand(_ block: String, _ attributes: JSONObject = [:]) throws -> BlockExpander {
        let expander = BlockExpander()
        expander.outputs = try expander.run(block, attributes, inputs: ["x"])
        return expander
    }

    private func run(_ block: String, _ attributes: JSONObject, inputs: [String]) throws -> [String] {
        let component = try #require(
            CNNCatalogue.blocks.first { "cnn.\($0.name)" == block }, "there is no block \(block)")
        let set = try AttributeSet.bind(attributeSchemas(of: component.raw), attributes)
        let (outer, outerOutputs) = (names, outputs)
        names = Dictionary(uniqueKeysWithValues: inputs.enumerated().map { ("#\($0)", $1) })
        outputs = []
        defer { (names, outputs) = (outer, outerOutputs) }
        var expansion = lamina_expansion(
            struct_size: UInt32(MemoryLayout<lamina_expansion>.size), input_count: Int32(inputs.count),
            sink: Unmanaged.passUnretained(self).toOpaque(),
            add_node: { sink, node in
                Unmanaged<BlockExpander>.fromOpaque(sink!).takeUnretainedValue().add(node!.pointee)
            },
            add_output: { sink, reference in
                let me = Unmanaged<BlockExpander>.fromOpaque(sink!).takeUnretainedValue()
                guard let name = me.names[String(cString: reference!)] else { return LAMINA_ERROR_INTERNAL }
                me.outputs.append(name)
                return LAMINA_OK
            })
        let host = TestHost()
        let vtable = component.raw.pointee.vtable.assumingMemoryBound(to: lamina_block.self)
        let status = vtable.pointee.expand(component.raw, host.raw, set.raw, &expansion)
        if let failure { throw Failure(description: failure) }
        if status != LAMINA_OK { throw Failure(description: "\(block) refuses \(JSON.object(attributes).text())") }
        return outputs
    }

    private func add(_ node: lamina_block_node) -> lamina_status {
        let own = String(cString: node.name)
        let component = String(cString: node.component)
        do {
            let inputs = try (0..<Int(node.input_count)).map { index in
                let reference = String(cString: node.inputs[index]!)
                return try #require(names[reference], "\(own) reads \(reference), which is not there yet")
            }
            let attributes = json(node.attributes.pointee)
            if CNNCatalogue.blocks.contains(where: { "cnn.\($0.name)" == component }) {
                let outer = prefix
                prefix += own + "."
                defer { prefix = outer }
                names[own] = try run(component, attributes, inputs: inputs)[0]
            } else {
                if component.hasPrefix("cnn.") { try checkAttributes(component, attributes) }
                nodes.append(
                    Node(
                        name: prefix + own, component: component, inputs: inputs,
                        attributes: JSON.object(attributes).text()))
                names[own] = prefix + own
            }
            return LAMINA_OK
        } catch {
            failure = failure ?? "\(prefix + own): \(error)"
            return LAMINA_ERROR_INTERNAL
        }
    }

    /// The layer exists and takes the attributes.
    private func checkAttributes(_ component: String, _ attributes: JSONObject) throws {
        let layer = try #require(
            CNNCatalogue.layers.first { "cnn.\($0.name)" == component }, "there is no \(component)")
        _ = try LayerHarness(layer, attributes)
    }

    private func json(_ attributes: lamina_attributes) -> JSONObject {
        JSONObject(
            (0..<Int(attributes.count)).map { index in
                let item = attributes.items[index]
                let integers = item.values.assumingMemoryBound(to: Int64.self)
                let value: JSON =
                    switch item.type {
                    case LAMINA_ATTRIBUTE_BOOL: .bool(item.values.load(as: UInt8.self) != 0)
                    case LAMINA_ATTRIBUTE_INTEGER: .integer(Int64(integers[0]))
                    default: .array((0..<Int(item.count)).map { .integer(integers[$0]) })
                    }
                return (String(cString: item.name), value)
            })
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}
