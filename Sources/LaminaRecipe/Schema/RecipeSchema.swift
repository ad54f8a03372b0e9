import LaminaFormats
import LaminaHost

extension Recipe {
    /// The JSON Schema (draft 2020-12) of recipes with every component of the registry; editors complete by it.
    ///
    /// It is a little wider than the reader, which also checks names, counts and what refers to what.
    public static func schema(_ registry: Registry) -> JSON {
        let schema = RecipeSchema(registry: registry)
        return [
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Lamina recipe",
            "type": "object", "required": ["lamina"], "additionalProperties": false,
            "oneOf": [
                [
                    "required": ["model"], "not": ["required": ["from"]],
                    "properties": ["model": ["required": ["layers"]]],
                ],
                ["required": ["procedure"], "not": ["required": ["from"]]],
                ["required": ["from"], "not": ["required": ["procedure"]]],
            ],
            "properties": .object(schema.properties), "$defs": .object(schema.definitions),
        ]
    }
}

/// Builds the parts of the schema. What a key means is said here and in `SDK/Documentation/Recipes.md`.
struct RecipeSchema {
    let registry: Registry

    var properties: JSONObject {
        [
            "lamina": .described(["const": .integer(Int64(Recipe.version))], "The version of the recipe format."),
            "name": .described(["type": "string"], "What the model is called."),
            "description": .described(["type": "string"], "One paragraph for people."),
            "from": .described(
                ["type": "string"], "An archive whose values, and network without 'model.layers', training begins with."
            ),
            "data": data, "model": model,
            "procedure": .described(
                .reference("procedure"), "A training regime that also says what the model is, instead of 'model'."),
            "networks": .described(
                ["type": "object", "minProperties": 1, "additionalProperties": network],
                "Several networks, by name, that a procedure trains."),
            "loss": .described(.reference("loss"), "What training minimises."),
            "optimizer": .described(.reference("optimizer"), "How parameters follow their gradients."),
            "metrics": .described(.oneOrMore("metric"), "What is measured beside the loss."),
            "train": train,
        ]
    }

    private var data: JSON {
        .object(
            described: "Where samples come from.", required: ["train"],
            [
                "train": .described(.reference("source"), "The samples to learn from."),
                "test": .described(.reference("source"), "Samples that are measured after training."),
                "validation": .described(.reference("source"), "Samples that are measured after each epoch."),
                "input": .described(.textOrTexts, "The field for each input of the model."),
                "target": .described(["type": "string"], "The field that the loss compares with."),
                "transforms": .described(
                    ["type": "array", "items": .reference("transform")], "Changes of a field, in this order."),
                "classes": .described(
                    ["type": "array", "items": ["type": ["string", "number", "boolean"]]], "Names of the classes."),
                "text": .described(
                    [
                        "type": "object", "minProperties": 1,
                        "additionalProperties": ["anyOf": [.reference("text"), ["type": "null"]]],
                    ], "Texts that become tensors of numbers, by the name of the model's input, or 'target'."),
            ])
    }

    private var text: JSON {
        .object(
            described: "How a field of text becomes a tensor of numbers, and which.", required: [],
            [
                "from": .described(["type": "string"], "The field of text; without it, the entry's own name."),
                "tokenizer": .described(
                    .reference("tokenizer"), "What makes numbers of text; its vocabulary is learned from 'train'."),
                "same_as": .described(["type": "string"], "The entry whose tokenizer and vocabulary it uses."),
                "begin": .described(["type": "boolean", "default": false], "Whether <bos> is put before the text."),
                "end": .described(["type": "boolean", "default": false], "Whether <eos> is put behind the text."),
                "maximum": .count(1, default: nil, "Tokens at most, with <bos> and <eos>."),
                "too_long": .described(
                    ["enum": .array(Recipe.TextEntry.TooLong.allCases.map { .string($0.rawValue) }), "default": "cut"],
                    "What happens to longer texts."),
                "length": .described(["type": "string"], "The input that gets the number of tokens of each text."),
                "round": .count(
                    1, default: Int64(Recipe.TextEntry.defaultRound), "Batches are padded to a multiple of it."),
                "stream": .count(
                    1, default: nil, "All texts in one stream, cut into windows of so many tokens, to predict the next."
                ),
            ])
    }

    private var model: JSON {
        .object(
            described: "The network, or with 'from' what changes in that of the archive.", required: [],
            modelProperties)
    }

    /// One of several.
    private var network: JSON {
        var properties = JSONObject(
            modelProperties.members.filter { ["input", "layers", "outputs"].contains($0.key) }.map {
                ($0.key, $0.value)
            })
        properties["optimizer"] = .described(
            .reference("optimizer"), "How its parameters follow their gradients; without it, the recipe's.")
        return .object(described: "", required: ["input", "layers"], properties)
    }

    private var modelProperties: JSONObject {
        [
            "input": .described(
                [
                    "anyOf": [
                        .reference("shape"), .reference("input"),
                        [
                            "type": "object", "minProperties": 1,
                            "additionalProperties": ["anyOf": [.reference("shape"), .reference("input")]],
                        ],
                    ]
                ], "The shape of one sample, without the batch; or several inputs by name."),
            "layers": .described(
                ["type": "array", "minItems": 1, "items": .reference("layer")],
                "Layers and blocks; each takes the output of the one before unless it says 'from'."),
            "outputs": .described(
                ["anyOf": [.textOrTexts, ["type": "object", "additionalProperties": ["type": "string"]]]],
                "Which outputs the model has; without it, that of the last layer."),
            "carry": .described(
                [
                    "type": "object",
                    "additionalProperties": .object(
                        described: "", required: ["shape", "from"],
                        ["shape": .reference("shape"), "from": ["type": "string"]]),
                ],
                "Inputs that take what a layer gave for the batch before: states of a stream; shapes with the batch, N."
            ),
            "frozen": .described(.textOrTexts, "Patterns of the parameters that are not trained (\"stem.*\")."),
            "replace": .described(
                ["type": "object", "minProperties": 1, "additionalProperties": .reference("replacement")],
                "Layers in the place of nodes, by the node's name; they take the node's inputs."),
            "adapt": .described(
                ["anyOf": [.reference("insertion"), ["type": "array", "items": .reference("insertion")]]],
                "Layers that are put behind nodes; with 'from', the rest is then frozen unless 'frozen' says more."),
        ]
    }

    private var train: JSON {
        .object(
            described: "How long, in which portions, from which random numbers.", required: [],
            [
                "epochs": .count(1, default: 1, "How often every sample is seen."),
                "batch": .count(1, default: 32, "Samples per step."),
                "seed": .count(0, default: 0, "All random numbers follow from it."),
                "validate": .described(
                    ["type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1],
                    "The fraction of the training data that is held back for validation."),
                "shuffle": .described(
                    ["type": "boolean", "default": true], "Whether each epoch has an order of its own."),
                "threads": .count(
                    1, most: Int64(Recipe.Training.threadLimit), default: nil,
                    "Threads to compute with; without it, one per core."),
                "checkpoint_every": .count(1, default: 1, "Epochs between checkpoints."),
                "accumulate": .count(1, default: 1, "Batches whose gradients are added up before a step."),
                "bucket": .count(
                    1, default: nil, "Batches whose samples are put together by the length of their texts."),
                "batch_transforms": .described(
                    .oneOrMore("batch_transform"), "Changes of whole batches before each step."),
                "early_stopping": .object(
                    described: "Ends training when validation no longer gets better.", required: ["patience"],
                    [
                        "patience": .count(1, default: nil, "Epochs without an improvement."),
                        "metric": .described(
                            ["type": "string", "default": "loss"], "'loss', or one of the metrics."),
                        "minimum_change": .described(
                            ["type": "number", "minimum": 0, "default": 0], "Smaller changes are no improvement."),
                    ]),
            ])
    }

    private var initializers: JSON {
        .described(
            ["type": "object", "additionalProperties": .reference("initializer")], "Initializers by parameter name.")
    }

    var definitions: JSONObject {
        [
            "shape": .described(
                [
                    "type": "array", "maxItems": 7,
                    "items": ["anyOf": [["type": "integer", "minimum": 1], ["type": "string"]]],
                ], "Dimensions without the batch: numbers, or names such as T."),
            "input": .object(
                described: "An input with its element type.", required: ["shape"],
                [
                    "shape": .reference("shape"),
                    "dtype": ["type": "string", "default": "float32"],
                    "name": ["type": "string", "default": .string(Recipe.inputName)],
                ]),
            "layer": component(
                ["layer", "block"],
                [
                    "name": .described(
                        ["type": "string"], "How parameters and 'from' name it; \"\": a block without prefix."),
                    "from": .described(
                        ["anyOf": [["type": "string"], ["type": "array", "items": ["type": ["string", "null"]]]]],
                        "Its inputs: names of what stands above, NAME:1 for a second output."),
                    "repeat": .count(1, default: 1, "So many of it, one behind the other."),
                    "initializers": initializers,
                    "share": .described(["type": "string"], "The layer whose parameters it uses too."),
                    "frozen": .described(
                        ["type": "boolean", "default": false], "Whether its parameters stay as they are."),
                ]),
            "replacement": component(["layer"], ["initializers": initializers]),
            "insertion": component(
                ["layer"],
                [
                    "to": .described(.textOrTexts, "Patterns of the nodes behind which it is put (\"*.head\")."),
                    "initializers": initializers,
                ]),
            "loss": component(["loss"], ["from": .described(.textOrTexts, "What is compared with the target.")]),
            "optimizer": component(
                ["optimizer"],
                [
                    "clip_norm": .described(
                        ["type": "number", "exclusiveMinimum": 0], "The largest common norm of all gradients."),
                    "clip_value": .described(
                        ["type": "number", "exclusiveMinimum": 0], "The largest magnitude of a gradient's values."),
                    "layer_decay": .described(
                        ["type": "number", "exclusiveMinimum": 0, "maximum": 1],
                        "Learning rates are multiplied by this once per block between a parameter and the output."),
                    "groups": .described(
                        [
                            "type": "array",
                            "items": [
                                "type": "object", "required": ["match"], "minProperties": 2,
                                "properties": [
                                    "match": .described(
                                        .textOrTexts, "Patterns of parameter names (\"*.bias\"), or no_decay.")
                                ],
                            ],
                        ], "Parameters with other attributes."),
                    "schedule": .described(.reference("schedule"), "The learning rate's course."),
                ]),
            "schedule": component(["schedule"]), "initializer": component(["initializer"]),
            "metric": component(["metric"]), "batch_transform": component(["batch_transform"]),
            "tokenizer": component(["tokenizer"]), "text": text,
            "transform": component(
                ["transform"],
                [
                    "field": .described(
                        ["type": "string"], "The field that it changes; without it, the model's input."),
                    "as": .described(["type": "string"], "A new field that gets the result, while the old one stays."),
                ]),
            "procedure": component(["procedure"]), "source": source,
        ]
    }

    /// A component of one of `kinds`: its id alone, or a mapping with its attributes and the host's keys beside.
    private func component(_ kinds: [String], _ hostKeys: JSONObject = [:]) -> JSON {
        let components = kinds.flatMap { registry.components(kind: $0) }
        guard !components.isEmpty else {
            return .described(["not": [:]], "No installed plugin has a component of this kind.")
        }
        let plain = components.filter { component in !component.attributes.contains { $0.isRequired } }
        var properties: JSONObject = [:]
        for component in components where properties[component.id] == nil {
            properties[component.id] = attributes(of: component)
        }
        let exactlyOne = properties.keys.map { JSON.object(["required": [.string($0)]]) }
        for member in hostKeys.members { properties[member.key] = member.value }
        var alternatives: [JSON] = []
        if !plain.isEmpty { alternatives.append(["enum": .array(plain.map { .string($0.id) })]) }
        alternatives.append([
            "type": "object", "properties": .object(properties), "additionalProperties": false,
            "oneOf": .array(exactlyOne),
        ])
        return ["anyOf": .array(alternatives)]
    }

    /// `{ reader: id, attributes … }`
    private var source: JSON {
        let sources = registry.components(kind: "source")
        guard !sources.isEmpty else {
            return .described(["not": [:]], "No installed plugin has a component of this kind.")
        }
        return [
            "anyOf": .array(
                sources.map { source in
                    var properties: JSONObject = [
                        "reader": .described(["const": .string(source.id)], source.documentation)
                    ]
                    for attribute in source.attributes { properties.append(attribute.name, attribute.jsonSchema) }
                    let required = ["reader"] + source.attributes.filter(\.isRequired).map(\.name)
                    return .object(described: source.documentation, required: required, properties)
                })
        ]
    }

    private func attributes(of component: ComponentDescription) -> JSON {
        let required = component.attributes.filter(\.isRequired).map(\.name)
        let properties = JSONObject(component.attributes.map { ($0.name, $0.jsonSchema) })
        guard case .object(var object) = JSON.object(described: component.documentation, required: required, properties)
        else {
            preconditionFailure("an object's schema is an object")
        }
        // A component with nothing behind its colon has no attributes either.
        if required.isEmpty { object["type"] = ["object", "null"] }
        return .object(object)
    }
}

extension JSON {
    fileprivate static func reference(_ name: String) -> JSON { ["$ref": .string("#/$defs/" + name)] }

    fileprivate static var textOrTexts: JSON {
        ["anyOf": [["type": "string"], ["type": "array", "items": ["type": "string"]]]]
    }

    fileprivate static func oneOrMore(_ name: String) -> JSON {
        ["anyOf": [reference(name), ["type": "array", "items": reference(name)]]]
    }

    fileprivate static func described(_ schema: JSON, _ text: String) -> JSON {
        guard case .object(var object) = schema else { return schema }
        object["description"] = .string(text)
        return .object(object)
    }

    fileprivate static func count(
        _ least: Int64, most: Int64? = nil, default value: Int64?, _ text: String
    ) -> JSON {
        var object: JSONObject = ["type": "integer", "minimum": .integer(least)]
        object["maximum"] = most.map { .integer($0) }
        object["default"] = value.map { .integer($0) }
        return described(.object(object), text)
    }

    fileprivate static func object(described text: String, required: [String], _ properties: JSONObject) -> JSON {
        var object: JSONObject = ["type": "object", "properties": .object(properties), "additionalProperties": false]
        if !required.isEmpty { object["required"] = .array(required.map { .string($0) }) }
        if !text.isEmpty { object["description"] = .string(text) }
        return .object(object)
    }
}
