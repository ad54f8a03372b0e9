import CLamina
import Glibc
import LaminaHost
import LaminaSDK

/// Folding layers into those behind which they stand.
extension ParameterStore {
    /// What is left of a network, and what could not be folded.
    public struct Merged: Sendable {
        /// The network without what was folded.
        public var definition: GraphDefinition
        /// Names of the nodes that were folded.
        public var folded: [String] = []
        /// Of those that stand behind another node to adapt it and stay, and why.
        public var kept: [(name: String, reason: String)] = []
    }

    /// Folds every node that offers it into the node before it, whose values change, and says what network is left.
    ///
    /// A layer offers it by the extension `lamina.merge/1`. The values of the graph's own nodes are then no longer those
    /// of the graph: the result is for a new one of `definition`.
    public func merge() throws(GraphError) -> Merged {
        try checkWritable()
        var merged = Merged(definition: graph.definition)
        for node in graph.nodes where node.definition.kind == "layer" {
            guard let target = merged.definition.target(of: node.definition.name) else { continue }
            guard let table = node.layer.merging else {
                if node.definition.name.hasPrefix(target.name + ".") {
                    merged.kept.append((node.definition.name, "\(node.definition.component) offers no way to fold it"))
                }
                continue
            }
            if let reason = merged.definition.obstacle(to: node.definition.name, into: target) {
                merged.kept.append((node.definition.name, reason))
                continue
            }
            guard let host = graph.nodes.first(where: { $0.definition.name == target.name }) else { continue }
            if let reason = try fold(node, into: host, table) {
                merged.kept.append((node.definition.name, reason))
            } else {
                merged.definition.remove(node.definition.name, behind: target.name)
                merged.folded.append(node.definition.name)
            }
        }
        version += 1
        return merged
    }

    /// nil: it is folded; otherwise why it cannot be.
    private func fold(
        _ node: Graph.Node, into target: Graph.Node, _ table: UnsafePointer<lamina_merge>
    ) throws(GraphError) -> String? {
        let own = describe(node, flags: LAMINA_TENSOR_READ_ONLY)
        let targets = describe(target, flags: 0)
        let owner = target.definition.name
        let pointers = target.parameters.map { parameter -> UnsafePointer<CChar>? in
            UnsafePointer(strdup(String(graph.parameters[parameter].name.dropFirst(owner.count + 1))))
        }
        defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
        var merging = lamina_merging()
        merging.struct_size = UInt32(MemoryLayout<lamina_merging>.size)
        merging.parameter_count = Int32(own.count)
        merging.target_count = Int32(targets.count)
        merging.parameters = UnsafePointer(own.base)
        merging.targets = UnsafePointer(targets.base)
        let status = pointers.withUnsafeBufferPointer { pointers in
            target.definition.component.withCString { component in
                merging.target_names = pointers.baseAddress
                merging.target_component = component
                return withExtendedLifetime((own, targets)) { table.pointee.merge(node.layer.handle, &merging) }
            }
        }
        do throws(HostError) {
            try graph.runtime.check(status, node.definition.component)
            return nil
        } catch {
            guard case .failed(LAMINA_ERROR_UNSUPPORTED, let text) = error else {
                throw GraphError(
                    .internal, node: node.definition.name,
                    "\(node.definition.component) \"\(node.definition.name)\" could not be folded: \(error)")
            }
            return text
        }
    }

    private func describe(_ node: Graph.Node, flags: UInt32) -> DescriptorArray {
        let tensors = DescriptorArray(count: node.parameters.count)
        for (position, parameter) in node.parameters.enumerated() {
            let shape = graph.parameters[parameter].shape.map(Int64.init)
            tensors.describe(position, TensorSpec(dtype: .float32, shape: shape), flags: flags)
            tensors.base[position].data = parameters[parameter]
        }
        return tensors
    }
}

extension LayerInstance {
    /// The functions to fold it into the layer before; nil: it has none.
    fileprivate var merging: UnsafePointer<lamina_merge>? {
        guard let table = table.pointee.get_extension?(handle, LAMINA_EXTENSION_MERGE) else { return nil }
        let merge = table.assumingMemoryBound(to: lamina_merge.self)
        return Int(merge.pointee.struct_size) >= MemoryLayout<lamina_merge>.size && merge.pointee.merge != nil
            ? merge : nil
    }
}

extension GraphDefinition {
    /// The node whose output a node takes last, which is the one that it may adapt.
    fileprivate func target(of name: String) -> Node? {
        guard let node = nodes.first(where: { $0.name == name }), let last = node.inputs.last.flatMap({ $0 }),
            last.output == 0
        else { return nil }
        return nodes.first { $0.name == last.name }
    }

    /// Why a node cannot become part of the one before it; nil: it can, as far as the graph goes.
    fileprivate func obstacle(to name: String, into target: Node) -> String? {
        let node = nodes.first { $0.name == name }!
        if node.inputs.count > 2 || (node.inputs.count == 2 && node.inputs[0] != target.inputs.first.flatMap { $0 }) {
            return "it takes something else than the input and the output of '\(target.name)'"
        }
        let output = Reference(target.name)
        let readers = (nodes + (loss.map { [$0] } ?? [])).flatMap(\.inputs) + outputs.map(\.reference)
        if readers.count(where: { $0 == output }) > 1 {
            return "the output of '\(target.name)' is used elsewhere, too"
        }
        if target.sharesParametersOf != nil || nodes.contains(where: { $0.sharesParametersOf == target.name }) {
            return "'\(target.name)' shares its parameters with another node"
        }
        if nodes.contains(where: { $0.sharesParametersOf == name }) { return "another node shares its parameters" }
        return nil
    }

    fileprivate mutating func remove(_ name: String, behind target: String) {
        func moved(_ reference: Reference?) -> Reference? { reference?.name == name ? Reference(target) : reference }
        nodes.removeAll { $0.name == name }
        for index in nodes.indices { nodes[index].inputs = nodes[index].inputs.map(moved) }
        for index in outputs.indices { outputs[index].reference = moved(outputs[index].reference)! }
        if let loss { self.loss!.inputs = loss.inputs.map(moved) }
    }
}
