import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSchema

extension GraphBuilder {
    /// What the nodes of a block have from the entry that it stands for.
    struct Context {
        var place: Place
        var isFrozen: Bool
        var depth = 1
    }

    /// Adds the nodes of a block, and of blocks within; returns its outputs.
    mutating func addBlock(
        _ id: String, _ given: JSONObject, name: String, inputs: [Reference?], _ context: Context
    ) throws(RecipeError) -> [Reference] {
        let place = context.place
        let subject = name.isEmpty ? "'\(id)'" : "'\(name)' (\(id))"
        guard context.depth <= Self.blockDepthLimit else {
            throw error("\(subject): blocks nest deeper than \(Self.blockDepthLimit) levels", place)
        }
        let description = try describe(id, ["block"], place)
        let inputs = try connected(inputs, to: description, subject, place)
        let expansion: NodeExpansion
        do {
            let attributes = try AttributeSet.bind(description.attributes, given)
            expansion = try NodeExpansion.run(
                registry.load(kind: "block", id: id), attributes, inputCount: inputs.count,
                nodeLimit: Self.nodeLimit - definition.nodes.count, runtime: registry.runtime)
        } catch let failure as NodeExpansion.Failure {
            throw error("\(subject): \(failure.message)", place)
        } catch {
            throw self.error("\(subject): \(error)", place, kind: error is HostError ? .missingPlugin : .recipe)
        }
        var local: [String: [Reference]?] = [:]
        func resolve(_ text: String) throws(RecipeError) -> Reference? {
            if text.first == "#", let index = Int(text.dropFirst()), index >= 0 {
                guard index < description.inputs.count || index < inputs.count else {
                    throw error("\(subject): the plugin refers to input \(index), it has \(inputs.count)", place)
                }
                return index < inputs.count ? inputs[index] : nil
            }
            guard let reference = Reference(text), let target = local[reference.name] else {
                throw error("\(subject): the plugin refers to '\(shortened(text))', which it has not added", place)
            }
            guard let outputs = target else {
                return Reference(Self.joined(name, reference.name), output: reference.output)
            }
            guard outputs.indices.contains(reference.output) else {
                throw error("\(subject): the plugin refers to '\(text)', which has \(outputs.count) outputs", place)
            }
            return outputs[reference.output]
        }
        for node in expansion.nodes {
            guard local[node.name] == nil else {
                throw error("\(subject): the plugin names two nodes '\(node.name)'", place)
            }
            var sources: [Reference?] = []
            for input in node.inputs {
                if let input { sources.append(try resolve(input)) } else { sources.append(nil) }
            }
            local[node.name] = .some(try add(node, as: Self.joined(name, node.name), sources, within: subject, context))
        }
        var outputs: [Reference] = []
        for text in expansion.outputs {
            guard let text else {
                throw error("\(subject): the plugin gave no valid text for the reference of an output", place)
            }
            guard let output = try resolve(text) else {
                throw error("\(subject): the plugin gives an input that is not connected as an output", place)
            }
            outputs.append(output)
        }
        return outputs
    }

    /// Adds one node of a block; returns its outputs when it is a block itself.
    private mutating func add(
        _ node: NodeExpansion.Node, as name: String, _ inputs: [Reference?], within subject: String, _ context: Context
    ) throws(RecipeError) -> [Reference]? {
        let description = try describe(node.component, ["layer", "block"], context.place, within: subject)
        let attributes: JSONObject
        do {
            attributes = try AttributeSet.bind(description.attributes, node.attributes).json
        } catch {
            throw self.error("\(subject): node '\(node.name)' (\(description.id)): \(error.text)", context.place)
        }
        if description.kind == "block" {
            guard node.share == nil, node.initializers.isEmpty else {
                throw error(
                    "\(subject): node '\(node.name)' (\(description.id)) is a block, and only layers share parameters or "
                        + "have initializers", context.place)
            }
            var inner = context
            inner.depth += 1
            let outputs = try addBlock(description.id, attributes, name: name, inputs: inputs, inner)
            try define(name, .group(outputs), context.place)
            return outputs
        }
        let connected = try connected(
            inputs, to: description, "\(subject): node '\(node.name)' (\(description.id))", context.place)
        var result = GraphDefinition.Node(
            name: name, component: description.id, version: description.version, attributes: attributes,
            inputs: connected, isFrozen: context.isFrozen)
        for (parameter, initializer) in node.initializers {
            let described = try describe(initializer.component, ["initializer"], context.place, within: subject)
            do {
                let bound = try AttributeSet.bind(described.attributes, initializer.attributes)
                result.initializers[parameter] = .init(described.id, bound.json)
            } catch {
                throw self.error(
                    "\(subject): node '\(node.name)', initializer of '\(parameter)': \(error.text)", context.place)
            }
        }
        if let share = node.share {
            let owner = String(name.dropLast(node.name.count)) + share
            guard case .node? = targets[owner] else {
                throw error(
                    "\(subject): node '\(node.name)' shares the parameters of '\(shortened(share))', which is no layer "
                        + "before it", context.place)
            }
            result.sharesParametersOf = owner
        }
        try append(result, context.place)
        return nil
    }

    private static func joined(_ prefix: String, _ name: String) -> String {
        prefix.isEmpty ? name : "\(prefix).\(name)"
    }
}
