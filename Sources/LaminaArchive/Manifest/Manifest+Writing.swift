import LaminaFormats

extension Manifest {
    /// The manifest as JSON, keys in a fixed order. Reading it gives an equal manifest.
    public var json: JSON {
        var object: JSONObject = [
            "model": [
                "name": .string(model.name), "version": .string(model.version),
                "parameters": .integer(Int64(model.parameters)),
                "dtypes": .array(model.dtypes.map { .string($0.rawValue) }), "licence": .string(model.licence),
            ],
            "plugins": .array(plugins.map(\.json)),
            "signature": [
                "inputs": .array(signature.inputs.map(\.json)), "outputs": .array(signature.outputs.map(\.json)),
            ],
            "preprocess": [
                "decode": .object(preprocess.decode),
                "steps": .array(
                    preprocess.steps.map {
                        ["component": .string($0.component), "attributes": .object($0.attributes)]
                    }),
            ],
        ]
        if let labels { object["labels"] = .array(labels.map(JSON.string)) }
        object["tied"] = .array(tied.map { ["tensor": .string($0.tensor), "source": .string($0.source)] })
        if let base {
            object["base"] = [
                "file": .string(base.file), "name": .string(base.name), "sha256": .string(base.sha256),
            ]
        }
        object["training"] = .object(training)
        if !extensions.isEmpty { object["extensions"] = .object(extensions) }
        object["files"] = .array(
            files.map {
                [
                    "path": .string($0.path), "role": .string($0.role), "size": .integer(Int64($0.size)),
                    "sha256": .string($0.sha256),
                ]
            })
        return .object(object)
    }
}

extension Manifest.Plugin {
    var json: JSON {
        var object: JSONObject = [
            "id": .string(id), "versions": .string(versions.description), "abi": .string(abi.description),
            "components": .array(
                components.map {
                    ["kind": .string($0.kind), "name": .string($0.name), "version": .integer(Int64($0.version))]
                }),
        ]
        if let source { object["source"] = .string(source) }
        return .object(object)
    }
}

extension Manifest.Tensor {
    var json: JSON {
        let dimensions = shape.map { dimension -> JSON in
            switch dimension {
            case .fixed(let size): .integer(Int64(size))
            case .symbol(let name): .string(name)
            }
        }
        return [
            "name": .string(name), "dtype": .string(dtype.rawValue), "shape": .array(dimensions),
            "meaning": .string(meaning),
        ]
    }
}
