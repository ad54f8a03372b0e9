import LaminaFormats
import LaminaSDK

extension GraphDefinition {
    /// The content of `graph.json`.
    public var json: JSON {
        var object = JSONObject([
            ("inputs", .array(inputs.map(\.json))), ("nodes", .array(nodes.map(\.json))),
            (
                "outputs",
                .array(outputs.map { ["name": .string($0.name), "from": .string($0.reference.description)] })
            ),
        ])
        if let loss { object.append("loss", loss.json) }
        if !carries.isEmpty {
            object.append(
                "carry", .array(carries.map { ["input": .string($0.input), "output": .string($0.output)] }))
        }
        return .object(object)
    }

    public init(json: JSON) throws(JSONError) {
        var fields = try JSONFields(json, at: "graph")
        let inputs: [JSON] = try fields.read("inputs")
        let nodes: [JSON] = try fields.read("nodes")
        let outputs: [JSON] = try fields.read("outputs")
        let loss = try fields.readIfPresent("loss", as: JSON.self)
        let carries = try fields.readIfPresent("carry", as: [JSON].self) ?? []
        try fields.finish()
        self.init()
        for (index, input) in inputs.enumerated() {
            self.inputs.append(try Input(json: input, at: "graph.inputs[\(index)]"))
        }
        for (index, node) in nodes.enumerated() {
            self.nodes.append(try Node(json: node, at: "graph.nodes[\(index)]"))
        }
        for (index, output) in outputs.enumerated() {
            let path = "graph.outputs[\(index)]"
            var fields = try JSONFields(output, at: path)
            self.outputs.append(
                Output(try fields.read("name"), try Reference(json: fields.read("from"), at: path + ".from")))
            try fields.finish()
        }
        if let loss { self.loss = try Node(json: loss, at: "graph.loss") }
        for (index, carry) in carries.enumerated() {
            var fields = try JSONFields(carry, at: "graph.carry[\(index)]")
            self.carries.append(try Carry(fields.read("input"), from: fields.read("output")))
            try fields.finish()
        }
    }
}

extension GraphDefinition.Reference {
    fileprivate init(json: JSON, at path: String) throws(JSONError) {
        let text = try String(json: json, at: path)
        guard let reference = GraphDefinition.Reference(text) else {
            throw JSONError(.wrongValue, "'\(text)' is no reference, wanted NODE or NODE:OUTPUT", path: path)
        }
        self = reference
    }
}

extension GraphDefinition.Input {
    fileprivate var json: JSON {
        let sizes = shape.map { size -> JSON in
            switch size {
            case .fixed(let value): .integer(Int64(value))
            case .symbol(let name): .string(name)
            }
        }
        return ["name": .string(name), "dtype": .string(dtype.name), "shape": .array(sizes)]
    }

    fileprivate init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        name = try fields.read("name")
        let typeName: String = try fields.read("dtype")
        guard let type = DataType.allCases.first(where: { $0.name == typeName }) else {
            throw JSONError(.wrongValue, "'\(typeName)' is no element type", path: path + ".dtype")
        }
        dtype = type
        shape = []
        for (axis, size) in try fields.read("shape", as: [JSON].self).enumerated() {
            switch size {
            case .integer(let value) where value >= 0: shape.append(.fixed(Int(value)))
            case .string(let name) where !name.isEmpty: shape.append(.symbol(name))
            default:
                throw JSONError(
                    .wrongValue, "a dimension is a number >= 0 or a name, got \(size.text())",
                    path: "\(path).shape[\(axis)]")
            }
        }
        try fields.finish()
    }
}

extension GraphDefinition.Node {
    fileprivate var json: JSON {
        var object = JSONObject([
            ("name", .string(name)), ("kind", .string(kind)), ("component", .string(component)),
        ])
        if let version { object.append("version", .integer(Int64(version))) }
        if !attributes.isEmpty { object.append("attributes", .object(attributes)) }
        object.append("inputs", .array(inputs.map { $0.map { .string($0.description) } ?? .null }))
        if !initializers.isEmpty {
            let entries = initializers.sorted { $0.key < $1.key }.map { name, initializer -> (String, JSON) in
                (name, ["component": .string(initializer.component), "attributes": .object(initializer.attributes)])
            }
            object.append("initializers", .object(JSONObject(entries)))
        }
        if let sharesParametersOf { object.append("shares_parameters_of", .string(sharesParametersOf)) }
        if isFrozen { object.append("frozen", true) }
        return .object(object)
    }

    fileprivate init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        name = try fields.read("name")
        kind = try fields.read("kind")
        component = try fields.read("component")
        version = try fields.readIfPresent("version")
        attributes = try fields.readIfPresent("attributes") ?? [:]
        inputs = []
        for (index, input) in try fields.read("inputs", as: [JSON].self).enumerated() {
            if case .null = input {
                inputs.append(nil)
            } else {
                inputs.append(try GraphDefinition.Reference(json: input, at: "\(path).inputs[\(index)]"))
            }
        }
        initializers = [:]
        for member in (try fields.readIfPresent("initializers", as: JSONObject.self) ?? [:]).members {
            var entry = try JSONFields(member.value, at: "\(path).initializers.\(member.key)")
            initializers[member.key] = .init(
                try entry.read("component"), try entry.readIfPresent("attributes") ?? [:])
            try entry.finish()
        }
        sharesParametersOf = try fields.readIfPresent("shares_parameters_of")
        isFrozen = try fields.readIfPresent("frozen") ?? false
        try fields.finish()
    }
}
