import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

extension Model {
    /// Opens an archive: structure, manifest, plugins, graph, weights.
    ///
    /// Weights stay where they are in the mapped file, read-only, unless `writable`.
    /// - Parameter base: of a delta, where its base is; nil: where the delta says, or beside it.
    /// - Throws: `.archive` for a file that is refused or a base that is missing, `.plugin` when a component that it needs
    ///   is missing here.
    public static func open(
        _ path: String, base: String? = nil, tolerant: Bool = false, writable: Bool = false,
        registry: Registry = Lamina.registry
    ) throws(LaminaError) -> Model {
        registry.runtime.beginLoadingLibraries()
        return try sorted {
            let chain = try ArchiveChain.open(path, base: base, tolerant: tolerant)
            let archive = chain.archive
            if let obstacle = obstacles(archive.manifest, registry).first {
                throw LaminaError(.plugin, "\(path): \(obstacle)")
            }
            do {
                let definition = try GraphDefinition(json: archive.json(EntryName.graph))
                let graph = try Graph(definition, registry: registry)
                let parameters = try ParameterStore(graph)
                try StoredValues(chain).load(into: parameters, writable: writable)
                let model = Model(network: Network(graph, parameters), recipe: nil, name: archive.manifest.model.name)
                model.chain = chain
                model.base = chain.base
                model.assetSource = chain
                try model.read(archive)
                return model
            } catch {
                throw LaminaError(error).inArchive(path)
            }
        }
    }

    private func read(_ archive: Archive) throws {
        labels = archive.manifest.labels ?? []
        trainingRecord = archive.manifest.training
        preprocessing.steps = archive.manifest.preprocess.steps.map {
            Recipe.Component(kind: "transform", $0.component, $0.attributes)
        }
        if !archive.manifest.preprocess.decode.isEmpty {
            var fields = try JSONFields(.object(archive.manifest.preprocess.decode), at: "preprocess.decode")
            if let texts = try fields.readIfPresent("text", as: JSONObject.self) {
                for member in texts.members {
                    try preprocessing.texts.append(
                        .init(member.key, json: member.value, at: "preprocess.decode.text.\(member.key)"))
                }
                textAssets = TextAsset.list(archive.manifest)
                for index in preprocessing.texts.indices {
                    preprocessing.texts[index].tokenizer = textAssets[preprocessing.texts[index].name]?.component
                }
            }
            // Texts alone have no shape.
            let typeName = try fields.readIfPresent("dtype", as: String.self)
            let shape = try fields.readIfPresent("shape", as: [Int].self)
            guard (typeName != nil && shape != nil) || !preprocessing.texts.isEmpty else {
                throw JSONError(.missingKey, "the keys 'dtype' and 'shape' are missing", path: "preprocess.decode")
            }
            preprocessing.rawType = DataType.allCases.first { $0.name == typeName }
            preprocessing.rawShape = shape
            if let reader = try fields.readIfPresent("reader", as: JSONObject.self) {
                var fields = try JSONFields(.object(reader), at: "preprocess.decode.reader")
                preprocessing.origin = try .init(
                    fields.read("component"), fields.read("attributes"), field: fields.read("field"),
                    reading: fields.readIfPresent("reading") ?? [:])
                try fields.finish()
            }
            try fields.finish()
        }
        if let value = archive.manifest.extensions["procedure"] {
            procedure = try String(json: value, at: "manifest.extensions.procedure")
        }
        if let value = archive.manifest.extensions["link"] {
            link = try String(json: value, at: "manifest.extensions.link")
        }
    }

    /// Runs the archive's recorded cases; throws `.verification` with the first difference.
    ///
    /// - Returns: how many cases passed.
    public func selfTest() throws(LaminaError) -> Int {
        try sorted {
            guard let archive else { throw LaminaError(.usage, "only a model from an archive has self-tests") }
            let cases = try archive.selfTests()
            for test in cases {
                let inputs = try test.inputs.tensors.map { tensor in
                    NamedTensor(
                        tensor.name, try Self.known(tensor), tensor.shape, bytes: Array(test.inputs.bytes(of: tensor)))
                }
                let outputs = try run(inputs, seed: UInt64(bitPattern: test.seed)).outputs
                for tensor in test.outputs.tensors { try compare(tensor, test, outputs) }
            }
            return cases.count
        }
    }

    private static func known(_ tensor: Safetensors.Tensor) throws -> DataType {
        guard let dtype = DataType(tensor.dtype) else {
            throw LaminaError(
                .archive, "tensor '\(tensor.name)' has type \(tensor.dtype.rawValue), which this version cannot use")
        }
        return dtype
    }

    private func compare(_ tensor: Safetensors.Tensor, _ test: SelfTest, _ outputs: [NamedTensor]) throws {
        let place = "\(archive.map { $0.path + ": " } ?? "")self-test \(test.number), output '\(tensor.name)'"
        guard let got = outputs.first(where: { $0.name == tensor.name }), got.shape == tensor.shape,
            got.dtype == (try Self.known(tensor))
        else { throw LaminaError(.verification, "\(place): the model gives no such output of shape \(tensor.shape)") }
        let recorded = NamedTensor(tensor.name, got.dtype, tensor.shape, bytes: Array(test.outputs.bytes(of: tensor)))
        guard got.dtype == .float32 else {
            if got.bytes != recorded.bytes {
                throw LaminaError(.verification, "\(place): differs from the recorded values")
            }
            return
        }
        for (index, (value, wanted)) in zip(got.floats, recorded.floats).enumerated() {
            let allowed = test.tolerance.absolute + test.tolerance.relative * Double(abs(wanted))
            if !(Double(abs(value - wanted)) <= allowed), value.bitPattern != wanted.bitPattern {
                throw LaminaError(
                    .verification, "\(place): element \(index) is \(value), wanted \(wanted) within \(allowed)")
            }
        }
    }
}
