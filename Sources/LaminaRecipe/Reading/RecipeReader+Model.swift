import LaminaFormats
import LaminaGraph
import LaminaSDK
import LaminaSchema

extension RecipeReader {
    static let modelKeys = ["input", "layers", "outputs", "carry"] + adaptationKeys
    static let layerKeys = ["name", "from", "repeat", "initializers", "share", "frozen"]
    /// Kinds that may stand in `layers`.
    static let layerKinds = ["layer", "block"]

    /// - Parameters:
    ///   - texts: entries of 'data.text', from which inputs follow that the model does not name.
    ///   - hasBase: without 'layers', the network is that of the recipe's base.
    func model(
        _ node: YAMLNode, _ texts: [Recipe.TextEntry], hasBase: Bool
    ) throws(RecipeError) -> Recipe.Model {
        var fields = try RecipeFields(node, "'model'", wanted: "a mapping with 'input' and 'layers'", file: file)
        return try model(&fields, texts, hasBase: hasBase)
    }

    private func model(
        _ fields: inout RecipeFields, _ texts: [Recipe.TextEntry], hasBase: Bool
    ) throws(RecipeError) -> Recipe.Model {
        let adaptation = try adaptation(&fields)
        if hasBase, !fields.entries.contains(where: { $0.key == "layers" }) {
            if let entry = fields.entries.first(where: { ["input", "outputs", "carry"].contains($0.key) }) {
                throw error(
                    "'\(entry.key)' goes with 'layers'; without them the network is that of 'from', as it is",
                    entry.place)
            }
            for key in ["input", "layers", "outputs", "carry"] { _ = fields.take(key) }
            try fields.finish()
            var model = Recipe.Model(inputs: [], layers: [])
            model.adaptation = adaptation
            return model
        }
        let input =
            texts.isEmpty
            ? try fields.require("input", "write the shape of one sample, as in 'input: [1, 28, 28]'")
            : fields.take("input")
        let layers = try fields.require("layers", "write the list of layers")
        let outputs = fields.take("outputs")
        let carry = fields.take("carry")
        try fields.finish()
        guard case .list(let nodes) = layers.content else {
            throw error("'layers' is a list, got \(layers.summary); begin each layer with '- '", layers)
        }
        guard !nodes.isEmpty else { throw error("'layers' is empty; a model has at least one layer", layers) }
        guard nodes.count <= GraphBuilder.nodeLimit else {
            throw error("'layers' has \(nodes.count) entries, at most \(GraphBuilder.nodeLimit) are possible", layers)
        }
        var model = Recipe.Model(inputs: texts.inputs, layers: [])
        if let input {
            model.inputs = try inputs(input)
            try check(model.inputs, texts, input)
        }
        for node in nodes { model.layers.append(try layer(node)) }
        if let outputs { model.outputs = try self.outputs(outputs) }
        if let carry { model.carries = try carries(carry, model.inputs) }
        model.adaptation = adaptation
        return model
    }

    /// `{ generator: { input: …, layers: […], optimizer: … }, … }`
    func networks(_ node: YAMLNode) throws(RecipeError) -> [Recipe.Network] {
        guard let entries = node.entries, !entries.isEmpty else {
            throw error(
                "'networks' is a mapping from names to networks with 'input' and 'layers', got \(node.summary)", node)
        }
        var networks: [Recipe.Network] = []
        for entry in entries {
            try check(newName: entry.key, "a network", entry.place)
            guard Self.isFileName(entry.key) else {
                throw error(
                    "a network cannot be named '\(shortened(entry.key))': its values are a file of the archive; "
                        + "use a-z, 0-9 and '_', at most \(Self.longestFileName) of them", entry.place)
            }
            var fields = try RecipeFields(
                entry.value, "'networks.\(entry.key)'", wanted: "a mapping with 'input' and 'layers'", file: file)
            let optimizer = fields.take("optimizer")
            for entry in fields.entries where (Self.adaptationKeys + ["carry"]).contains(entry.key) {
                throw error("'\(entry.key)' is for a recipe with one 'model:'; leave it out", entry.place)
            }
            var network = Recipe.Network(entry.key, try model(&fields, [], hasBase: false), place: entry.place)
            if let optimizer { network.optimizer = try self.optimizer(optimizer) }
            networks.append(network)
        }
        return networks
    }

    /// Of the 255 bytes that an entry's name may have, without "networks/" and ".safetensors".
    private static let longestFileName = 234

    private static func isFileName(_ name: String) -> Bool {
        name.utf8.count <= longestFileName
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
            }
    }

    /// `{ hidden: { shape: [1, N, 64], from: "stem:1" } }`
    private func carries(_ node: YAMLNode, _ inputs: [GraphDefinition.Input]) throws(RecipeError) -> [Recipe.Carry] {
        guard let entries = node.entries else {
            throw error("'carry' is a mapping from inputs to their shapes and layers, got \(node.summary)", node)
        }
        var carries: [Recipe.Carry] = []
        for entry in entries {
            try check(newName: entry.key, "an input", entry.place)
            guard !inputs.contains(where: { $0.name == entry.key }) else {
                throw error("'\(entry.key)' is an input that data fill: take another name", entry.place)
            }
            let subject = "'carry.\(entry.key)'"
            var fields = try RecipeFields(
                entry.value, subject, wanted: "a mapping with 'shape' and 'from'", file: file)
            let shape = try fields.require("shape", "write its shape with the batch, as in [1, N, 64]")
            let from = try fields.require("from", "write the layer's output that it takes, as in \"stem:1\"")
            try fields.finish()
            carries.append(.init(entry.key, try carriedShape(shape, subject), from: try link(from, subject)))
        }
        return carries
    }

    private func carriedShape(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> [GraphDefinition.Size] {
        guard case .list(let nodes) = node.content, (1...8).contains(nodes.count) else {
            throw error("\(subject): wanted a shape of 1 to 8 dimensions, as in [1, N, 64], got \(node.summary)", node)
        }
        var shape: [GraphDefinition.Size] = []
        for node in nodes {
            switch node.content {
            case .scalar(.integer(let size), _) where size >= 1 && size <= 1 << 40: shape.append(.fixed(Int(size)))
            case .scalar(.string(Recipe.batchDimension), _): shape.append(.symbol(Recipe.batchDimension))
            default:
                throw error("\(subject): a dimension is an integer >= 1 or N, the batch, got \(node.summary)", node)
            }
        }
        guard shape.contains(.symbol(Recipe.batchDimension)) else {
            throw error("\(subject): the shape lacks N, the batch: every sample has a state of its own", node)
        }
        return shape
    }

    // MARK: Inputs

    /// A shape; `{ shape, dtype, name }`; or several inputs by name, each in one of these forms.
    private func inputs(_ node: YAMLNode) throws(RecipeError) -> [GraphDefinition.Input] {
        guard let entries = node.entries, !entries.contains(where: { $0.key == "shape" }) else {
            return [try input(node, name: nil)]
        }
        guard !entries.isEmpty else { throw error("'input' is empty; write the shape of one sample", node) }
        let known = ["shape", "dtype", "name"]
        // `{ dtype: …, name: … }` lacks its shape; two inputs of these names are unlikely.
        if entries.allSatisfy({ known.contains($0.key) }) {
            throw error("'input' lacks 'shape': write the shape of one sample, as in [1, 28, 28]", node)
        }
        var inputs: [GraphDefinition.Input] = []
        for entry in entries {
            try check(newName: entry.key, "an input", entry.place)
            inputs.append(try input(entry.value, name: entry.key))
        }
        return inputs
    }

    private func input(_ node: YAMLNode, name given: String?) throws(RecipeError) -> GraphDefinition.Input {
        let subject = given.map { "input '\($0)'" } ?? "'input'"
        var result = GraphDefinition.Input(given ?? Recipe.inputName, .float32, [])
        guard node.entries != nil else {
            result.shape = try shape(node, subject)
            return result
        }
        var fields = try RecipeFields(node, subject, wanted: "a shape", file: file)
        result.shape = try shape(fields.require("shape", "write the shape of one sample, as in [1, 28, 28]"), subject)
        if let dtype = fields.take("dtype") {
            let name = try text(dtype, "'dtype'")
            guard let type = DataType.allCases.first(where: { $0.name == name }) else {
                let names = DataType.allCases.map(\.name)
                throw error(
                    "'dtype': wanted one of \(names.joined(separator: ", ")), got '\(shortened(name))'"
                        + Suggestion.question(for: name, among: names), dtype)
            }
            result.dtype = type
        }
        if given == nil, let name = fields.take("name") {
            result.name = try text(name, "'name'")
            try check(newName: result.name, "an input", name.place)
        }
        try fields.finish()
        return result
    }

    private func shape(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> [GraphDefinition.Size] {
        guard case .list(let nodes) = node.content else {
            throw error("\(subject): wanted the shape of one sample, as in [1, 28, 28], got \(node.summary)", node)
        }
        guard nodes.count < 8 else {
            throw error("\(subject) has \(nodes.count) dimensions, at most 7 (and the batch) are possible", node)
        }
        var shape: [GraphDefinition.Size] = [.symbol(Recipe.batchDimension)]
        for node in nodes {
            switch node.content {
            case .scalar(.integer(let size), _) where size >= 1 && size <= 1 << 40:
                shape.append(.fixed(Int(size)))
            case .scalar(.string(Recipe.batchDimension), _):
                throw error("\(subject): N is the batch, which a shape leaves out; take another name", node)
            case .scalar(.string(let name), _) where Self.isDimension(name):
                shape.append(.symbol(name))
            default:
                throw error("\(subject): a dimension is an integer >= 1 or a name such as T, got \(node.summary)", node)
            }
        }
        return shape
    }

    /// As manifests want it: a letter, then letters, digits and '_', at most 32 in all.
    private static func isDimension(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 32 else { return false }
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
        return isLetter(first)
            && name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
    }

    // MARK: Layers

    private func layer(_ node: YAMLNode) throws(RecipeError) -> Recipe.Layer {
        let keys = Self.layerKeys
        var entry = try entry(node, "an entry of 'layers'", kinds: Self.layerKinds, hostKeys: keys)
        var layer = Recipe.Layer(try bind(entry, kinds: Self.layerKinds, hostKeys: keys))
        let name = entry.siblings.take("name")
        let from = entry.siblings.take("from")
        let repetitions = entry.siblings.take("repeat")
        let initializers = entry.siblings.take("initializers")
        let share = entry.siblings.take("share")
        let frozen = entry.siblings.take("frozen")
        try finish(entry, hostKeys: keys)

        let isBlock = layer.component.kind == "block"
        if let name {
            let text = try text(name, "'name'")
            if !text.isEmpty || !isBlock { try check(newName: text, "a layer", name.place) }
            layer.name = text
        }
        if let from { layer.inputs = try links(from, "'from'") }
        if let repetitions { layer.repetitions = try integer(repetitions, "'repeat'", least: 1) }
        if let repetitions, layer.repetitions > GraphBuilder.nodeLimit {
            throw error(
                "'repeat': at most \(GraphBuilder.nodeLimit) nodes are possible, got \(layer.repetitions)", repetitions)
        }
        if let initializers {
            if isBlock {
                throw error(
                    "'initializers' stands beside layers only, '\(layer.component.id)' is a block: "
                        + "look for an attribute of it",
                    initializers)
            }
            layer.initializers = try self.initializers(initializers)
        }
        if let share {
            if isBlock { throw error("'share' stands beside layers only, '\(layer.component.id)' is a block", share) }
            layer.share = Recipe.Link(.init(try text(share, "'share'")), place: share.place)
        }
        if let frozen { layer.isFrozen = try bool(frozen, "'frozen'") }
        return layer
    }

    func initializers(_ node: YAMLNode) throws(RecipeError) -> [String: Recipe.Component] {
        guard let entries = node.entries else {
            throw error("'initializers' is a mapping from parameter names to components, got \(node.summary)", node)
        }
        var initializers: [String: Recipe.Component] = [:]
        for entry in entries {
            try check(name: entry.key, "a parameter", entry.place)
            initializers[entry.key] = try component(
                entry.value, "the initializer of '\(entry.key)'", kind: "initializer")
        }
        return initializers
    }

    /// `a`, or `[a, null, "b:1"]`.
    private func links(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> [Recipe.Link?] {
        var links: [Recipe.Link?] = []
        for element in try list(node, subject, of: "names") {
            links.append(element.isNull ? nil : try link(element, subject))
        }
        return links
    }

    func link(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> Recipe.Link {
        let text = try text(node, subject)
        guard let reference = GraphDefinition.Reference(text) else {
            throw error("\(subject): wanted NAME or NAME:OUTPUT, got '\(shortened(text))'", node)
        }
        try check(name: reference.name, "a layer or an input", node.place)
        return Recipe.Link(reference, place: node.place)
    }

    /// `[a, b]`, or `{ name: a, other: b }`.
    private func outputs(_ node: YAMLNode) throws(RecipeError) -> [Recipe.Output] {
        var outputs: [Recipe.Output] = []
        if let entries = node.entries {
            for entry in entries {
                try check(name: entry.key, "an output", entry.place)
                outputs.append(Recipe.Output(entry.key, try link(entry.value, "'outputs'")))
            }
        } else {
            for element in try list(node, "'outputs'", of: "names") {
                let link = try link(element, "'outputs'")
                let name = link.reference.description
                guard !outputs.contains(where: { $0.name == name }) else {
                    throw error("'outputs' lists '\(name)' twice", element)
                }
                outputs.append(Recipe.Output(name, link))
            }
        }
        guard !outputs.isEmpty else { throw error("'outputs' is empty; leave it out for the last layer's", node) }
        return outputs
    }

    /// Inputs that texts fill are int64, [T] or a fixed number of tokens; and every text fills one.
    private func check(
        _ inputs: [GraphDefinition.Input], _ texts: [Recipe.TextEntry], _ node: YAMLNode
    ) throws(RecipeError) {
        for wanted in texts.inputs {
            guard let input = inputs.first(where: { $0.name == wanted.name }) else {
                let entry = texts.first { $0.name == wanted.name || $0.lengthName == wanted.name }!
                let names = inputs.map(\.name)
                throw error(
                    "'data.text' fills an input '\(wanted.name)', which the model does not have (it has "
                        + "\(names.joined(separator: ", ")))" + Suggestion.question(for: wanted.name, among: names),
                    entry.place)
            }
            guard input.dtype == .int64, input.shape.count == wanted.shape.count else {
                let shape = wanted.shape.count == 2 ? "[T]" : "[]"
                throw error(
                    "input '\(input.name)' is filled by 'data.text': wanted { shape: \(shape), dtype: int64 }, or leave "
                        + "'input' out", node)
            }
        }
    }

    func check(name: String, _ what: String, _ place: Place) throws(RecipeError) {
        guard !name.isNodeName else { return }
        throw error(
            "'\(shortened(name))' cannot be the name of \(what): "
                + "wanted letters, digits and '_', with dots between them",
            place)
    }

    /// The same for what is defined here; "loss" and "target" are the host's own.
    func check(newName name: String, _ what: String, _ place: Place) throws(RecipeError) {
        try check(name: name, what, place)
        if [GraphDefinition.targetName, GraphBuilder.lossName].contains(name) {
            throw error("'\(name)' cannot be the name of \(what): the loss has it; take another", place)
        }
    }
}
