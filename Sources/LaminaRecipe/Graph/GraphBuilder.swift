import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import LaminaSchema

extension Recipe {
    /// The network: blocks expanded, every node named, every input connected.
    ///
    /// Runs the code of blocks, and of nothing else. Throws `RecipeError` that names the layer at fault.
    /// - Parameter base: the network to change where the recipe has no layers of its own.
    public func graph(_ registry: Registry, base: GraphDefinition? = nil) throws(RecipeError) -> GraphDefinition {
        var builder = GraphBuilder(self, registry)
        return try builder.build(base)
    }
}

extension Recipe {
    /// One of the recipe's networks, as `graph(_:)`.
    public func graph(of network: Network, _ registry: Registry) throws(RecipeError) -> GraphDefinition {
        try Recipe(model: network.model, file: file.path).graph(registry)
    }
}

/// Connects the layers of a recipe.
struct GraphBuilder {
    static let nodeLimit = 100_000
    static let blockDepthLimit = 16
    /// The name of the loss node.
    static let lossName = "loss"

    typealias Reference = GraphDefinition.Reference

    /// What a name stands for.
    enum Target {
        case input
        /// Its position among the nodes.
        case node(Int)
        /// A block, or the last of a repeated layer, with its outputs.
        case group([Reference])
    }

    let recipe: Recipe
    let registry: Registry
    var definition = GraphDefinition()
    var targets: [String: Target] = [:]
    /// Names that the recipe gives, which automatic ones leave free.
    var givenNames: Set<String> = []
    private var counters: [String: Int] = [:]
    /// The outputs of the entry before.
    private var previous: [Reference] = []

    init(_ recipe: Recipe, _ registry: Registry) {
        self.recipe = recipe
        self.registry = registry
        givenNames = Set(recipe.model.layers.compactMap(\.name))
    }

    mutating func build(_ base: GraphDefinition?) throws(RecipeError) -> GraphDefinition {
        if recipe.model.layers.isEmpty, let base {
            take(base)
            let carried = Set(base.carries.map(\.output))
            definition.loss =
                try recipe.loss.map { loss throws(RecipeError) in
                    try lossNode(loss, of: base.outputs.filter { !carried.contains($0.name) })
                } ?? base.loss
            try adapt(recipe.model.adaptation)
            return definition
        }
        guard let first = recipe.model.layers.first else {
            throw RecipeError(file: recipe.file.path, "the model has no layers")
        }
        for input in recipe.model.inputs {
            guard targets.updateValue(.input, forKey: input.name) == nil else {
                throw error("two inputs of the model are named '\(input.name)'", first.component.place)
            }
        }
        for carry in recipe.model.carries {
            guard targets.updateValue(.input, forKey: carry.name) == nil else {
                throw error("two inputs of the model are named '\(carry.name)'", first.component.place)
            }
        }
        definition.inputs = recipe.model.inputs + recipe.model.carries.map { .init($0.name, .float32, $0.shape) }
        if recipe.model.inputs.count == 1 { previous = [Reference(recipe.model.inputs[0].name)] }
        for layer in recipe.model.layers { try add(layer) }
        try addOutputs()
        if let loss = recipe.loss { definition.loss = try lossNode(loss, of: definition.outputs) }
        for carry in recipe.model.carries {
            definition.outputs.append(.init(carry.output, try resolve(carry.link)))
            definition.carries.append(.init(carry.name, from: carry.output))
        }
        let used = definition.nodes + (definition.loss.map { [$0] } ?? [])
        let names = Set(used.flatMap { $0.inputs.compactMap { $0?.name } })
        for input in definition.inputs where !names.contains(input.name) {
            throw error(
                "no layer takes the input '\(input.name)': name it in a 'from', or remove it", first.component.place)
        }
        try adapt(recipe.model.adaptation)
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
            throw error(
                "the model has several inputs (\(names)): say with 'from' which '\(layer.component.id)' takes", place)
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
        if let share = layer.share { node.sharesParametersOf = try sharedNode(share) }
        try append(node, place)
    }

    /// Whether names and shapes of the parameters are the same is known when the graph is put together.
    private func sharedNode(_ link: Recipe.Link) throws(RecipeError) -> String {
        let name = link.reference.name
        _ = try resolve(link)
        guard case .node? = targets[name] else { throw error("'share': '\(name)' is no single layer", link.place) }
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

    mutating func append(_ node: GraphDefinition.Node, _ place: Place) throws(RecipeError) {
        guard definition.nodes.count < Self.nodeLimit else {
            throw error("the model has more than \(Self.nodeLimit) nodes", place)
        }
        try define(node.name, .node(definition.nodes.count), place)
        definition.nodes.append(node)
    }

    mutating func define(_ name: String, _ target: Target, _ place: Place) throws(RecipeError) {
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

    // MARK: Outputs and loss

    private mutating func addOutputs() throws(RecipeError) {
        if recipe.model.outputs.isEmpty {
            definition.outputs = [.init(Recipe.outputName, previous[0])]
        }
        for output in recipe.model.outputs {
            definition.outputs.append(.init(output.name, try resolve(output.link)))
        }
    }

    private func lossNode(
        _ loss: Recipe.Loss, of outputs: [GraphDefinition.Output]
    ) throws(RecipeError) -> GraphDefinition.Node {
        let place = loss.component.place
        let description = try describe(loss.component.id, ["loss"], place)
        guard let position = description.inputs.firstIndex(where: { $0.name == GraphDefinition.targetName }) else {
            throw error("the loss '\(description.id)' declares no input 'target': this is a fault of its plugin", place)
        }
        var inputs: [Reference?] = []
        for link in loss.inputs { inputs.append(try resolve(link)) }
        if loss.inputs.isEmpty {
            guard outputs.count == 1 else {
                let names = outputs.map(\.name).joined(separator: ", ")
                throw error(
                    "the model has several outputs (\(names)): say with 'from' what '\(description.id)' compares", place
                )
            }
            inputs = [outputs[0].reference]
        }
        // `from` names the other inputs in their order.
        inputs.insert(Reference(GraphDefinition.targetName), at: min(position, inputs.count))
        return GraphDefinition.Node(
            name: Self.lossName, kind: "loss", component: description.id, version: description.version,
            attributes: loss.component.attributes,
            inputs: try connected(
                inputs, to: description, "'\(description.id)'", place, implied: GraphDefinition.targetName))
    }
}
