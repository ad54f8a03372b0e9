import LaminaFormats
import LaminaGraph

extension Recipe {
    /// The recipe with everything spelled out, as YAML that reads back as an equal recipe.
    ///
    /// - Parameter folder: paths below it are written relative to it; nil: all are absolute.
    public func text(relativeTo folder: String? = nil) -> String { YAMLWriter.text(json(relativeTo: folder)) }

    /// What `text` writes, as a JSON value: a recipe too, because JSON is a subset of YAML.
    public func json(relativeTo folder: String? = nil) -> JSON {
        var object: JSONObject = ["lamina": .integer(Int64(Self.version))]
        object["name"] = name.map { .string($0) }
        object["description"] = documentation.map { .string($0) }
        object["from"] = base.map { .string(Self.relative($0.path, to: folder)) }
        object["data"] = data?.json(folder)
        object["procedure"] = procedure.map { $0.json(folder) }
        if !networks.isEmpty {
            object["networks"] = .object(JSONObject(networks.map { ($0.name, $0.json(folder)) }))
        }
        if procedure == nil, !model.isOfBase || !model.adaptation.isEmpty { object["model"] = model.json(folder) }
        object["loss"] = loss.map { loss in
            loss.component.json(folder, loss.inputs.isEmpty ? [:] : ["from": .array(loss.inputs.map(\.json))])
        }
        object["optimizer"] = optimizer?.json(folder)
        if !metrics.isEmpty { object["metrics"] = .array(metrics.map { $0.json(folder) }) }
        object["train"] =
            procedure == nil
            ? training.json(folder)
            : training.procedureJSON(networks.isEmpty ? Training.procedureKeys : Training.networkKeys)
        return .object(object)
    }

    fileprivate static func relative(_ path: String, to folder: String?) -> String {
        guard let folder, path.hasPrefix(folder + "/"), path.utf8.count > folder.utf8.count + 1 else { return path }
        return String(path.dropFirst(folder.count + 1))
    }
}

extension Recipe.Component {
    /// `id`, or `{ id: attributes, host keys … }`.
    fileprivate func json(_ folder: String?, _ siblings: JSONObject = [:]) -> JSON {
        if attributes.isEmpty, siblings.isEmpty { return .string(id) }
        var object: JSONObject = [:]
        object[id] = attributes.isEmpty ? .null : .object(attributes(relativeTo: folder))
        for member in siblings.members { object[member.key] = member.value }
        return .object(object)
    }

    /// `{ reader: id, attributes … }`
    fileprivate func sourceJSON(_ folder: String?) -> JSON {
        var object: JSONObject = ["reader": .string(id)]
        for member in attributes(relativeTo: folder).members { object[member.key] = member.value }
        return .object(object)
    }

    private func attributes(relativeTo folder: String?) -> JSONObject {
        guard let folder else { return attributes }
        var result = attributes
        for name in pathAttributes {
            if case .string(let path)? = result[name] { result[name] = .string(Recipe.relative(path, to: folder)) }
        }
        return result
    }
}

extension Recipe.Link {
    fileprivate var json: JSON { .string(reference.description) }
}

extension Recipe.Datasets {
    fileprivate func json(_ folder: String?) -> JSON {
        var object: JSONObject = ["train": train.sourceJSON(folder)]
        object["test"] = test?.sourceJSON(folder)
        object["validation"] = validation?.sourceJSON(folder)
        if !inputs.isEmpty { object["input"] = .array(inputs.map { .string($0) }) }
        object["target"] = target.map { .string($0) }
        if !transforms.isEmpty {
            object["transforms"] = .array(
                transforms.map { transform in
                    var siblings = JSONObject()
                    siblings["field"] = transform.field.map { .string($0) }
                    siblings["as"] = transform.result.map { .string($0) }
                    return transform.component.json(folder, siblings)
                })
        }
        if !classes.isEmpty { object["classes"] = .array(classes.map { .string($0) }) }
        if !texts.isEmpty {
            object["text"] = .object(
                JSONObject(texts.map { ($0.name, .object($0.json($0.tokenizer.map { $0.json(folder) }))) }))
        }
        return .object(object)
    }
}

extension Recipe.Model {
    /// Whether the network is that of the recipe's base.
    fileprivate var isOfBase: Bool { layers.isEmpty }

    fileprivate func json(_ folder: String?) -> JSON {
        if isOfBase { return .object(adaptation.json(folder)) }
        var object: JSONObject = ["input": inputJSON, "layers": .array(layers.map { $0.json(folder) })]
        if outputs.allSatisfy({ $0.name == $0.link.reference.description }) {
            if !outputs.isEmpty { object["outputs"] = .array(outputs.map(\.link.json)) }
        } else {
            object["outputs"] = .object(JSONObject(outputs.map { ($0.name, $0.link.json) }))
        }
        if !carries.isEmpty {
            object["carry"] = .object(
                JSONObject(
                    carries.map { ($0.name, ["shape": .array($0.shape.map(\.json)), "from": $0.link.json]) }))
        }
        for member in adaptation.json(folder).members { object[member.key] = member.value }
        return .object(object)
    }

    private var inputJSON: JSON {
        func shape(_ input: GraphDefinition.Input) -> JSON {
            // The batch is implied.
            .array(input.shape.dropFirst().map(\.json))
        }
        func full(_ input: GraphDefinition.Input) -> JSONObject {
            ["shape": shape(input), "dtype": .string(input.dtype.name)]
        }
        guard inputs.count == 1, let input = inputs.first else {
            return .object(JSONObject(inputs.map { ($0.name, .object(full($0))) }))
        }
        if input.name == Recipe.inputName, input.dtype == .float32 { return shape(input) }
        var object = full(input)
        object["name"] = .string(input.name)
        return .object(object)
    }
}

extension Recipe.Network {
    fileprivate func json(_ folder: String?) -> JSON {
        guard case .object(var object) = model.json(folder) else { return .null }
        object["optimizer"] = optimizer?.json(folder)
        return .object(object)
    }
}

extension Recipe.Model.Adaptation {
    fileprivate func json(_ folder: String?) -> JSONObject {
        func texts(_ patterns: [Recipe.Pattern]) -> JSON { .array(patterns.map { .string($0.text) }) }
        func initializers(_ given: [String: Recipe.Component]) -> JSONObject {
            given.isEmpty
                ? [:]
                : ["initializers": .object(JSONObject(given.sorted { $0.key < $1.key }.map { ($0, $1.json(folder)) }))]
        }
        var object: JSONObject = [:]
        object["frozen"] = frozen.map(texts)
        if !replacements.isEmpty {
            object["replace"] = .object(
                JSONObject(replacements.map { ($0.node, $0.component.json(folder, initializers($0.initializers))) }))
        }
        if !insertions.isEmpty {
            object["adapt"] = .array(
                insertions.map { insertion in
                    var siblings: JSONObject = ["to": texts(insertion.patterns)]
                    for member in initializers(insertion.initializers).members { siblings[member.key] = member.value }
                    return insertion.component.json(folder, siblings)
                })
        }
        return object
    }
}

extension Recipe.Layer {
    fileprivate func json(_ folder: String?) -> JSON {
        var siblings: JSONObject = [:]
        siblings["name"] = name.map { .string($0) }
        siblings["from"] = inputs.map { .array($0.map { $0?.json ?? .null }) }
        if repetitions != 1 { siblings["repeat"] = .integer(Int64(repetitions)) }
        if !initializers.isEmpty {
            let entries = initializers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json(folder)) }
            siblings["initializers"] = .object(JSONObject(entries))
        }
        siblings["share"] = share?.json
        if isFrozen { siblings["frozen"] = true }
        return component.json(folder, siblings)
    }
}

extension Recipe.Optimizer {
    fileprivate func json(_ folder: String?) -> JSON {
        var siblings: JSONObject = [:]
        siblings["clip_norm"] = clipNorm.map { .number($0) }
        siblings["clip_value"] = clipValue.map { .number($0) }
        siblings["layer_decay"] = layerDecay.map { .number($0) }
        if !groups.isEmpty { siblings["groups"] = .array(groups.map(\.json)) }
        siblings["schedule"] = schedule?.json(folder)
        return component.json(folder, siblings)
    }
}

extension Recipe.ParameterGroup {
    fileprivate var json: JSON {
        var object: JSONObject = ["match": .array(patterns.map { .string($0) })]
        for member in overrides.members { object[member.key] = member.value }
        return .object(object)
    }
}

extension Recipe.Training {
    /// What of it holds for a procedure.
    fileprivate func procedureJSON(_ keys: [String]) -> JSON {
        guard case .object(let all) = json(nil) else { return .null }
        return .object(JSONObject(all.members.filter { keys.contains($0.key) }.map { ($0.key, $0.value) }))
    }

    fileprivate func json(_ folder: String?) -> JSON {
        var object: JSONObject = [
            "epochs": .integer(Int64(epochs)), "batch": .integer(Int64(batch)), "seed": .integer(Int64(clamping: seed)),
            "shuffle": .bool(shuffle), "checkpoint_every": .integer(Int64(checkpointEvery)),
            "accumulate": .integer(Int64(accumulate)),
        ]
        object["validate"] = validate.map { .number($0) }
        object["threads"] = threads.map { .integer(Int64($0)) }
        object["bucket"] = bucket.map { .integer(Int64($0)) }
        if !batchTransforms.isEmpty { object["batch_transforms"] = .array(batchTransforms.map { $0.json(folder) }) }
        if let earlyStopping {
            object["early_stopping"] = [
                "patience": .integer(Int64(earlyStopping.patience)), "metric": .string(earlyStopping.metric),
                "minimum_change": .number(earlyStopping.minimumChange),
            ]
        }
        return .object(object)
    }
}

extension GraphDefinition.Size {
    fileprivate var json: JSON {
        switch self {
        case .fixed(let value): .integer(Int64(value))
        case .symbol(let name): .string(name)
        }
    }
}
