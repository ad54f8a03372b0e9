import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSchema

/// Turns a YAML tree into a recipe, checking everything that can be checked without running a plugin.
struct RecipeReader {
    let file: String
    /// What relative paths are relative to; nil leaves them as they are.
    let folder: String?
    let registry: Registry
    /// The archive that the caller begins with, whatever the recipe says.
    var base: String?

    static let keys = [
        "lamina", "name", "description", "from", "data", "model", "procedure", "networks", "loss", "optimizer",
        "metrics", "train",
    ]

    /// Every key of the host that may stand beside a component.
    static let hostKeys = layerKeys + lossKeys + optimizerKeys + transformKeys + ["to"]

    func recipe(_ root: YAMLNode?) throws(RecipeError) -> Recipe {
        guard let root, !root.isNull else {
            throw RecipeError(
                file: file, "the recipe is empty: it begins with 'lamina: \(Recipe.version)', then 'model:'")
        }
        var fields = try RecipeFields(root, "the recipe", wanted: "a mapping that begins with 'lamina: 1'", file: file)
        try version(&fields)
        try refuseLooseNetworks(fields.entries)
        let name = fields.take("name")
        let documentation = fields.take("description")
        if let procedure = fields.take("procedure") {
            return try self.recipe(procedure, name: name, documentation: documentation, &fields)
        }
        if let networks = fields.take("networks") {
            if let entry = fields.entries.first(where: { !Self.keys.contains($0.key) }) { throw fields.unknown(entry) }
            throw error("'networks' are trained by a procedure: name one as 'procedure:'", networks)
        }
        let from = fields.take("from")
        let data = fields.take("data")
        let written = fields.take("model")
        let loss = fields.take("loss")
        let optimizer = fields.take("optimizer")
        let metrics = fields.take("metrics")
        let train = fields.take("train")
        try refuseMisplaced(fields)
        try fields.finish()
        var base: Recipe.Base?
        if let from { base = try self.base(from) }
        if let path = self.base { base = Recipe.Base(path) }
        var texts: [Recipe.TextEntry] = []
        if let data { texts = try self.texts(in: data, hasBase: base != nil) }
        var model = Recipe.Model(inputs: [], layers: [])
        if let written {
            model = try self.model(written, texts, hasBase: base != nil)
        } else if base == nil {
            // Asked for behind the keys that nothing is called, which may be its name mistyped.
            _ = try fields.require("model", "write 'model:' with 'input' and 'layers'")
        }
        var recipe = Recipe(model: model, file: file)
        recipe.base = base
        if let name { recipe.name = try plain(text(name, "'name'"), "'name'", name) }
        if let documentation { recipe.documentation = try text(documentation, "'description'") }
        if let data {
            recipe.data = try datasets(data, inputs: model.layers.isEmpty ? nil : recipe.model.inputs, texts)
        }
        if let loss { recipe.loss = try self.loss(loss) }
        if let optimizer { recipe.optimizer = try self.optimizer(optimizer) }
        if let metrics { recipe.metrics = try components(metrics, "'metrics'", kind: "metric") }
        if let train { recipe.training = try training(train, recipe) }
        return recipe
    }

    private func version(_ fields: inout RecipeFields) throws(RecipeError) {
        let node = try fields.require(
            "lamina", "begin the recipe with 'lamina: \(Recipe.version)', the format's version")
        guard case .scalar(.integer(let version), _) = node.content, version >= 1 else {
            throw error("'lamina' is the version of the format, wanted \(Recipe.version), got \(node.summary)", node)
        }
        guard version == Recipe.version else {
            throw error(
                "this recipe has version \(version) of the format, this program reads \(Recipe.version): "
                    + "use a newer lamina", node)
        }
    }

    /// The rest of a recipe whose procedure says what the model is and trains it.
    private func recipe(
        _ procedure: YAMLNode, name: YAMLNode?, documentation: YAMLNode?, _ fields: inout RecipeFields
    ) throws(RecipeError) -> Recipe {
        let component = try self.component(procedure, "'procedure'", kind: "procedure")
        let train = fields.take("train")
        let networks = fields.take("networks")
        let data = networks == nil ? nil : fields.take("data")
        let optimizer = networks == nil ? nil : fields.take("optimizer")
        for entry in fields.entries where ["data", "model", "loss", "optimizer", "metrics"].contains(entry.key) {
            if ["data", "optimizer"].contains(entry.key) {
                guard networks == nil else { continue }
                throw loose(entry, component)
            }
            throw error(
                "'\(entry.key)': the procedure '\(component.id)' brings its own; leave it out", entry.place)
        }
        if let entry = fields.entries.first(where: { $0.key == "from" }) ?? base.map({ _ in fields.entries[0] }) {
            throw error(
                "'from': the procedure '\(component.id)' makes its own model and cannot begin with another", entry.place
            )
        }
        try refuseMisplaced(fields)
        try fields.finish()
        var recipe = Recipe(procedure: component, file: file)
        if let name { recipe.name = try plain(text(name, "'name'"), "'name'", name) }
        if let documentation { recipe.documentation = try text(documentation, "'description'") }
        if let networks { recipe.networks = try self.networks(networks) }
        if let data { recipe.data = try datasets(data, for: component.id) }
        if let optimizer { recipe.optimizer = try self.optimizer(optimizer) }
        if let train {
            let keys = networks == nil ? Recipe.Training.procedureKeys : Recipe.Training.networkKeys
            for entry in train.entries ?? [] where !keys.contains(entry.key) {
                guard Self.trainingKeys.contains(entry.key) else { continue }
                throw error(
                    "'\(entry.key)' is for training on a dataset; with a procedure 'train' has "
                        + keys.joined(separator: ", "), entry.place)
            }
            recipe.training = try training(train, recipe)
        }
        return recipe
    }

    /// Data or an optimizer for a procedure without networks. Whether it trains some, only its description tells.
    private func loose(_ entry: YAMLNode.Entry, _ procedure: Recipe.Component) -> RecipeError {
        let about = registry.component(kind: "procedure", id: procedure.id)?.documentation ?? ""
        return error(
            "'\(entry.key)' is for a procedure that trains 'networks:', which the recipe lacks: write those that "
                + "'\(procedure.id)' wants, or leave '\(entry.key)' out if it brings its own (\"\(about)\")",
            entry.place)
    }

    /// Networks that do not stand where they should.
    private func refuseLooseNetworks(_ entries: [YAMLNode.Entry]) throws(RecipeError) {
        for entry in entries where !Self.keys.contains(entry.key) {
            guard entry.value.entries?.contains(where: { $0.key == "layers" }) ?? false else { continue }
            throw error(
                "'\(shortened(entry.key))': one of several networks stands in 'networks:'; "
                    + "a recipe with one has 'model:'", entry.place)
        }
    }

    /// Keys that exist, but elsewhere.
    private func refuseMisplaced(_ fields: RecipeFields) throws(RecipeError) {
        let homes = [
            ("optimizer", ["schedule"] + Self.optimizerKeys.filter { $0 != "schedule" }), ("data", Self.dataKeys),
            ("model", Self.modelKeys), ("train", Self.trainingKeys),
        ]
        for entry in fields.entries where !fields.known.contains(entry.key) {
            guard let home = homes.first(where: { $0.1.contains(entry.key) })?.0 else { continue }
            throw error("'\(entry.key)' stands in '\(home)': indent it there", entry.place)
        }
    }
}

extension RecipeReader {
    func error(_ message: String, _ node: YAMLNode) -> RecipeError { error(message, node.place) }

    func error(_ message: String, _ place: Place, kind: RecipeError.Kind = .recipe) -> RecipeError {
        place.error(message, in: file, kind: kind)
    }

    func text(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> String {
        guard let text = node.string else {
            var advice = ""
            if case .scalar = node.content { advice = "; put it in quotes" }
            throw error("\(subject): wanted a text, got \(node.summary)\(advice)", node)
        }
        return text
    }

    /// A text that an archive will hold and commands print. Refused here rather than when a trained model is saved.
    func plain(_ text: String, _ subject: String, _ node: YAMLNode) throws(RecipeError) -> String {
        if let fault = PlainText.fault(in: text) {
            throw error("\(subject): the text has the control character \(fault); leave it out", node)
        }
        return text
    }

    func bool(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> Bool {
        guard case .scalar(.bool(let value), _) = node.content else {
            throw error("\(subject): wanted true or false, got \(node.summary)", node)
        }
        return value
    }

    func integer(
        _ node: YAMLNode, _ subject: String, least: Int, most: Int = .max
    ) throws(RecipeError) -> Int {
        guard case .scalar(.integer(let value), _) = node.content, value >= least else {
            throw error("\(subject): wanted an integer >= \(least), got \(node.summary)", node)
        }
        guard value <= most else {
            throw error("\(subject): wanted an integer from \(least) to \(most), got \(node.summary)", node)
        }
        return Int(value)
    }

    /// `wanted` puts the bounds into words.
    func number(
        _ node: YAMLNode, _ subject: String, _ wanted: String, where isRight: (Double) -> Bool
    ) throws(RecipeError) -> Double {
        var number: Double?
        switch node.content {
        case .scalar(.integer(let value), _): number = Double(value)
        case .scalar(.number(let value), _): number = value
        default: break
        }
        guard let number, isRight(number) else {
            throw error("\(subject): wanted \(wanted), got \(node.summary)", node)
        }
        return number
    }

    /// The elements of a list; a lone value that is no mapping counts as a list of one.
    func list(_ node: YAMLNode, _ subject: String, of items: String) throws(RecipeError) -> [YAMLNode] {
        switch node.content {
        case .list(let nodes): return nodes
        case .scalar: return [node]
        case .mapping: throw error("\(subject): wanted a list of \(items), got a mapping", node)
        }
    }

    func texts(_ node: YAMLNode, _ subject: String, of items: String) throws(RecipeError) -> [String] {
        var texts: [String] = []
        for element in try list(node, subject, of: items) { texts.append(try text(element, subject)) }
        return texts
    }
}
