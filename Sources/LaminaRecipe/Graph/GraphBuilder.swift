import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSchema
import LaminaSDK

extension Recipe {
    /// The network: blocks expanded, every node named, every input connected.
    ///
    /// Runs the code of blocks, and of nothing else. Throws `RecipeError` that names the layer at fault.
    public func graph(_ registry: Registry) throws(RecipeError) -> GraphDefinition {
        var builder = GraphBuilder(self, registry)
        return try builder.build()
    }
}

/// Connects the layers of a recipe.
struct GraphBuilder {
    static let nodeLimit = 100_000
    static let blockDepthLimit = 16
    /// The name of the loss node.
    static let lossName = "loss"

    private typealias Reference = GraphDefinition.Reference

    /// What a name stands for.
    private enum Target {
        case input
        case node
        /// A block, or the last of a repeated layer, with its outputs.
        case group([Reference])
    }

    private let recipe: Recipe
    private let registry: Registry
    private var definition = GraphDefinition()
    private var targets: [String: Target] = [:]
    /// Names that the recipe gives, which automatic ones leave free.
    private var givenNames: Set<String> = []
    private var counters: [String: Int] = [:]
    /// The outputs of the entry before.
    private var previous: [Reference] = []

    init(_ recipe: Recipe, _ registry: Registry) {
        self.recipe = recipe
        self.registry = registry
        givenNames = Set(recipe.model.layers.compactMap(\.name))
    }

    mutating func build() throws(RecipeError) -> GraphDefinition {
        guard let first = recipe.model.layers.first else {
            throw RecipeError(file: recipe.file.path, "the model has no layers")
        }
        for input in recipe.model.inputs {
            guard targets.updateValue(.input, forKey: input.name) == nil else {
                throw error("two inputs of the model are named '\(input.name)'", first.component.place)
            }
        }
        definition.inputs = recipe.model.inputs
        if recipe.model.inputs.count == 1 { previous = [Reference(recipe.model.inputs[0].name)] }
        for layer in recipe.model.layers { try add(layer) }
        try addOutputs()
        if let loss = recipe.loss { definition.loss = try lossNode(loss) }
        let used = definition.nodes + (definition.loss.map { [$0] } ?? [])
        let names = Set(used.flatMap { $0.inputs.compactMap { $0?.name } })
        for input in recipe.model.inputs where !names.contains(input.name) {
            throw error("no layer takes the input '\(input.name)': name it in a 'from', or remove it", first.component.place)
        }
        return definition
    }

    // MARK: Layers

    private mutating func add(_ layer: Recipe.Layer) throws(RecipeError) {
        let place = layer.component.place
        var inputs: [Reference?]
        if let links = layer.inputs {
            inputs = []
            for link in links {
                guard let link else {
                    inputs.append(nil)
                    continue
                }
                inputs.append(try resolve(link))
            }
        } else if let first = previous.first {
            inputs = [first]
        } else {
            let names = recipe.model.inputs.map(\.name).joined(separator: ", ")
            throw error("the model has several inputs (\(names)): say with 'from' which '\(layer.component.id)' takes", place)
        }
        for repetition in 0..<layer.repetitions {
            if repetition > 0 {
                if inputs.isEmpty { inputs = [previous[0]] } else { inputs[0] = previous[0] }
            }
            let name: String
            if let given = layer.name, layer.repetitions > 1 {
                name = given.isEmpty ? "\(repetition)" : "\(given).\(repetition)"
            } else {
                name = layer.name ?? automaticName(for: layer.component.id)
            }
            if layer.component.kind == "block" {
                let outputs = try addBlock(
                    layer.component.id, layer.component.attributes, name: name, inputs: inputs,
                    Context(place: place, isFrozen: layer.isFrozen))
                if !name.isEmpty { try define(name, .group(outputs), place) }
                previous = outputs
            } else {
                try addLayer(layer, name: name, inputs: inputs)
                previous = [Reference(name)]
            }
        }
        if let name = layer.name, !name.isEmpty, layer.repetitions > 1 { try define(name, .group(previous), place) }
    }

    private mutating func addLayer(_ layer: Recipe.Layer, name: String, inputs: [Reference?]) throws(RecipeError) {
        let place = layer.component.place
        let description = try describe(layer.component.id, ["layer"], place)
        var node = GraphDefinition.Node(
            name: name, component: layer.component.id, version: description.version,
            attributes: layer.component.attributes,
            inputs: try connected(inputs, to: description, "'\(name)' (\(description.id))", place),
            initializers: layer.initializers.mapValues { .init($0.id, $0.attributes) }, isFrozen: layer.isFrozen)
        if let share = layer.share { node.sharesParametersOf = try sharedNode(share, component: description.id) }
        try append(node, place)
    }

    private func sharedNode(_ link: Recipe.Link, component: String) throws(RecipeError) -> String {
        let name = link.reference.name
        guard let node = definition.nodes.first(where: { $0.name == name }) else {
            _ = try resolve(link)
            throw error("'share': '\(name)' is no single layer", link.place)
        }
        guard node.component == component else {
            throw error("'share': '\(name)' is a '\(node.component)', wanted a '\(component)'", link.place)
        }
        return name
    }

    /// "relu_1": the component's short name and a number that is free.
    private mutating func automaticName(for id: String) -> String {
        let short = id.lastIndex(of: ".").map { String(id[id.index(after: $0)...]) } ?? id
        while true {
            let number = counters[short, default: 0] + 1
            counters[short] = number
            let name = "\(short)_\(number)"
            if targets[name] == nil, !givenNames.contains(name) { return name }
        }
    }

    private mutating func append(_ node: GraphDefinition.Node, _ place: Place) throws(RecipeError) {
        guard definition.nodes.count < Self.nodeLimit else {
            throw error("the model has more than \(Self.nodeLimit) nodes", place)
        }
        try define(node.name, .node, place)
        definition.nodes.append(node)
    }

    private mutating func define(_ name: String, _ target: Target, _ place: Place) throws(RecipeError) {
        guard name.utf8.count <= 255 else {
            throw error("the name '\(shortened(name))' is longer than 255 characters", place)
        }
        guard name != Self.lossName, name != GraphDefinition.targetName else {
            throw error("a node is named '\(name)', which is the loss's; name the layer or block differently", place)
        }
        guard targets.updateValue(target, forKey: name) == nil else {
            throw error("two nodes are named '\(name)'; give this one another 'name'", place)
        }
    }

    // MARK: Blocks

    /// What the nodes of a block have from the entry that it stands for.
    private struct Context {
        var place: Place
        var isFrozen: Bool
        var depth = 1
    }

    /// Adds the nodes of a block, and of blocks within; returns its outputs.
    private mutating func addBlock(
        _ id: String, _ given: JSONObject, name: String, inputs: [Reference?], _ context: Context
    ) throws(RecipeError) -> [Reference] {
        let place = context.place
        let subject = name.isEmpty ? "'\(id)'" : "'\(name)' (\(id))"
        guard context.depth <= Self.blockDepthLimit else {
            throw error("\(subject): blocks nest deeper than \(Self.blockDepthLimit) levels", place)
        }
        let description = try describe(id, ["block"], place)
        let inputs = try connected(inputs, to: description, subject, place)
        let expansion: BlockExpansion
        do {
            let attributes = try AttributeSet.bind(description.attributes, given)
            expansion = try BlockExpansion.run(
                registry.load(kind: "block", id: id), attributes, inputCount: inputs.count,
                nodeLimit: Self.nodeLimit - definition.nodes.count, runtime: registry.runtime)
        } catch let failure as BlockExpansion.Failure {
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
            for input in node.inputs { sources.append(try resolve(input)) }
            local[node.name] = .some(try add(node, as: Self.joined(name, node.name), sources, within: subject, context))
        }
        var outputs: [Reference] = []
        for text in expansion.outputs {
            guard let output = try resolve(text) else {
                throw error("\(subject): the plugin gives an input that is not connected as an output", place)
            }
            outputs.append(output)
        }
        return outputs
    }

    /// Adds one node of a block; returns its outputs when it is a block itself.
    private mutating func add(
        _ node: BlockExpansion.Node, as name: String, _ inputs: [Reference?], within subject: String, _ context: Context
    ) throws(RecipeError) -> [Reference]? {
        let description = try describe(node.component, ["layer", "block"], context.place, within: subject)
        let attributes: JSONObject
        do {
            attributes = try AttributeSet.bind(description.attributes, node.attributes).json
        } catch {
            throw self.error("\(subject): node '\(node.name)' (\(description.id)): \(error.text)", context.place)
        }
        if description.kind == "block" {
            var inner = context
            inner.depth += 1
            let outputs = try addBlock(description.id, attributes, name: name, inputs: inputs, inner)
            try define(name, .group(outputs), context.place)
            return outputs
        }
        let connected = try connected(inputs, to: description, "\(subject): node '\(node.name)' (\(description.id))", context.place)
        try append(
            GraphDefinition.Node(
                name: name, component: description.id, version: description.version, attributes: attributes,
                inputs: connected, isFrozen: context.isFrozen), context.place)
        return nil
    }

    private static func joined(_ prefix: String, _ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }

    // MARK: Outputs and loss

    private mutating func addOutputs() throws(RecipeError) {
        if recipe.model.outputs.isEmpty {
            definition.outputs = [.init(Recipe.outputName, previous[0])]
        }
        for output in recipe.model.outputs {
            definition.outputs.append(.init(output.name, try resolve(output.link)))
        }
    }

    private mutating func lossNode(_ loss: Recipe.Loss) throws(RecipeError) -> GraphDefinition.Node {
        let place = loss.component.place
        let description = try describe(loss.component.id, ["loss"], place)
        guard let position = description.inputs.firstIndex(where: { $0.name == GraphDefinition.targetName }) else {
            throw error("the loss '\(description.id)' declares no input 'target': this is a fault of its plugin", place)
        }
        var inputs: [Reference?] = []
        for link in loss.inputs { inputs.append(try resolve(link)) }
        if loss.inputs.isEmpty {
            guard definition.outputs.count == 1 else {
                let names = definition.outputs.map(\.name).joined(separator: ", ")
                throw error("the model has several outputs (\(names)): say with 'from' what '\(description.id)' compares", place)
            }
            inputs = [definition.outputs[0].reference]
        }
        // `from` names the other inputs in their order.
        inputs.insert(Reference(GraphDefinition.targetName), at: min(position, inputs.count))
        return GraphDefinition.Node(
            name: Self.lossName, kind: "loss", component: description.id, version: description.version,
            attributes: loss.component.attributes,
            inputs: try connected(inputs, to: description, "'\(description.id)'", place, implied: GraphDefinition.targetName))
    }

    // MARK: Connections

    /// Checks how many inputs there are; optional ones at the end that are not connected are left out.
    ///
    /// - Parameter implied: the input that the host connects.
    private func connected(
        _ given: [Reference?], to description: ComponentDescription, _ subject: String, _ place: Place,
        implied: String? = nil
    ) throws(RecipeError) -> [Reference?] {
        var inputs = given
        while inputs.last == .some(nil) { inputs.removeLast() }
        let ports = description.inputs
        let least = (ports.lastIndex { $0.arity != .optional } ?? -1) + 1
        let most = description.inputRange.most
        guard inputs.count >= least, inputs.count <= most ?? .max else {
            let names = ports.map { port in
                port.arity == .optional ? "\(port.name)?" : port.arity == .variadic ? "\(port.name)…" : port.name
            }
            let count = most == nil ? "\(least) or more inputs" : least == most ? "\(least) inputs" : "\(least) to \(most!) inputs"
            let wanted = most == 1 && least == 1 ? "1 input" : count
            let advised = names.filter { $0 != implied }.map { $0.filter { $0 != "?" } }
            throw error(
                "\(subject) takes \(wanted) (\(names.joined(separator: ", "))), got \(inputs.count): "
                    + "name them with 'from: [\(advised.joined(separator: ", "))]'", place)
        }
        for (index, input) in inputs.enumerated() where input == nil {
            let port = ports[min(index, ports.count - 1)]
            guard port.arity == .optional else {
                throw error("\(subject): its input '\(port.name)' has to be connected", place)
            }
        }
        return inputs
    }

    /// What a name in the recipe refers to; it has to stand above.
    private func resolve(_ link: Recipe.Link) throws(RecipeError) -> Reference {
        let reference = link.reference
        switch targets[reference.name] {
        case .input:
            guard reference.output == 0 else {
                throw error("'\(reference)': an input of the model has no further outputs", link.place)
            }
            return reference
        case .node:
            return reference
        case .group(let outputs):
            guard outputs.indices.contains(reference.output) else {
                throw error(
                    "'\(reference)': '\(reference.name)' has \(outputs.count) outputs, counted from 0", link.place)
            }
            return outputs[reference.output]
        case nil:
            if givenNames.contains(reference.name) {
                throw error("'\(reference.name)' stands below; a layer takes what stands above it", link.place)
            }
            throw error(
                "there is no layer or input '\(reference.name)' above"
                    + Suggestion.question(for: reference.name, among: targets.keys.sorted()), link.place)
        }
    }

    private func describe(
        _ id: String, _ kinds: [String], _ place: Place, within block: String? = nil
    ) throws(RecipeError) -> ComponentDescription {
        do {
            return try RecipeReader(file: recipe.file.path, folder: nil, registry: registry).describe(id, place, kinds: kinds)
        } catch {
            guard let block else { throw error }
            throw self.error("\(block): \(error.message)", place, kind: error.kind)
        }
    }

    private func error(_ message: String, _ place: Place, kind: RecipeError.Kind = .recipe) -> RecipeError {
        place.error(message, in: recipe.file.path, kind: kind)
    }
}
