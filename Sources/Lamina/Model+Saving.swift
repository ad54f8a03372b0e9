import CLamina
import Glibc
import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

extension Model {
    /// Writes the model as an archive: a new file, verified, in place of the old one.
    ///
    /// With a `base` the archive is a delta: it holds those values and assets that the base does not hold.
    public func save(to path: String) throws(LaminaError) { try save(to: path, checkpoint: nil) }

    /// With a checkpoint also what training needs to be resumed.
    func save(to path: String, checkpoint: Checkpoint?) throws(LaminaError) {
        try sorted {
            if let checkpoint { note(checkpoint) }
            try checkBase(for: path)
            var manifest = try manifest()
            if let base {
                manifest.base = .init(
                    file: Self.relative(base.archive.path, from: path), name: base.manifest.model.name,
                    sha256: base.manifest.identity)
            }
            var writer = ArchiveWriter(manifest: manifest)
            try writer.add(EntryName.graph, .json(graph.definition.json))
            let weights = Self.weights(network)
            try writer.add(EntryName.weights, .tensors(base.map { try difference(weights, from: $0) } ?? weights))
            try addTrainingNetworks(to: &writer)
            if let checkpoint {
                try writer.add(EntryName.trainerState, .json(checkpoint.state))
                let states = checkpoint.tensors.sorted { $0.dtype.size > $1.dtype.size }
                try writer.add(EntryName.optimizerState, .tensors(states.map(Self.source)))
            }
            try addAssets(to: &writer)
            try writer.add(EntryName.readme, .text(card))
            if let assetSource, assetSource.contains(EntryName.licence) {
                try writer.add(EntryName.licence, .borrowed([assetSource.entry(EntryName.licence)]))
            }
            let example = try exampleCase()
            try TensorFile.withSources(example?.inputs ?? []) { inputs in
                try TensorFile.withSources(example?.outputs ?? []) { outputs in
                    if example != nil {
                        try writer.addSelfTest(
                            inputs: inputs, outputs: outputs, tolerance: .init(absolute: 1e-4, relative: 1e-3),
                            seed: Self.exampleSeed)
                    }
                    try Self.write(writer, to: path)
                }
            }
        }
    }

    private func addTrainingNetworks(to writer: inout ArchiveWriter) throws {
        guard keepsTrainingNetworks else { return }
        for (name, network) in trainingNetworks {
            try writer.add(EntryName.networkGraph(name), .json(network.graph.definition.json))
            try writer.add(EntryName.networkWeights(name), .tensors(Self.weights(network)))
        }
        guard trainingNetworks.isEmpty, let archive else { return }
        for name in archive.manifest.files.map(\.path) where name.hasPrefix(EntryName.networkFolder) {
            try writer.add(name, .borrowed([archive.entry(name)]))
        }
    }

    private func addAssets(to writer: inout ArchiveWriter) throws {
        /// Whether a delta finds it in its base.
        func isInherited(_ name: String, _ bytes: UnsafeRawBufferPointer) throws -> Bool {
            guard let base, base.contains(name) else { return false }
            let there = try base.entry(name)
            return there.count == bytes.count
                && (bytes.isEmpty || memcmp(there.baseAddress!, bytes.baseAddress!, bytes.count) == 0)
        }
        for asset in assets {
            let name = "assets/" + asset.name
            if try asset.bytes.withUnsafeBytes({ try isInherited(name, $0) }) { continue }
            try writer.add(name, .bytes(asset.bytes))
        }
        for name in assetSource?.assets ?? [] where !assets.contains(where: { "assets/" + $0.name == name }) {
            // What a training run uses of vocabularies is its own, also where it has it from a base.
            if recipe?.data != nil, name.hasPrefix(TextAsset.folder) { continue }
            let bytes = try assetSource!.entry(name)
            if try !isInherited(name, bytes) { try writer.add(name, .borrowed([bytes])) }
        }
    }

    /// What the system refuses is no fault of an archive.
    private static func write(_ writer: ArchiveWriter, to path: String) throws {
        do {
            try writer.write(to: path)
        } catch let error as ArchiveError where error.kind == .file {
            throw LaminaError(.data, error.description)
        }
    }

    /// Throws unless an archive can be made at `path`: to be asked before hours of training.
    public static func checkWritable(_ path: String) throws(LaminaError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw LaminaError(.data, "cannot write \(path): it is a folder")
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            throw LaminaError(.data, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    private static let exampleSeed: Int64 = 20

    private static func source(
        _ tensor: (name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)
    ) -> Safetensors.Source {
        let count = tensor.shape.reduce(tensor.dtype.size, *)
        return Safetensors.Source(
            name: tensor.name, dtype: tensor.dtype.safetensors, shape: tensor.shape,
            bytes: UnsafeRawBufferPointer(start: tensor.data, count: count))
    }

    /// The widest elements first, so that every tensor stays aligned behind the one before.
    private static func weights(_ network: Network) -> [Safetensors.Source] {
        network.parameters.entries.sorted { $0.dtype.size > $1.dtype.size }.map(source)
    }

    // MARK: Manifest

    private func manifest() throws -> Manifest {
        let entries = network.parameters.entries
        var types: [Safetensors.DType] = []
        for entry in entries where !types.contains(entry.dtype.safetensors) { types.append(entry.dtype.safetensors) }
        var manifest = Manifest(
            model: .init(
                name: name, version: archive?.manifest.model.version ?? "1.0.0", parameters: graph.parameterCount,
                dtypes: types, licence: assetSource?.manifest.model.licence ?? ""))
        manifest.plugins = try plugins()
        manifest.signature = signature
        manifest.labels = labels.isEmpty ? nil : labels
        manifest.preprocess.steps = preprocessing.steps.map { .init(component: $0.id, attributes: $0.attributes) }
        manifest.preprocess.decode = decode
        if let link { manifest.extensions.append("link", .string(link)) }
        if let procedure { manifest.extensions.append("procedure", .string(procedure)) }
        if let record = networkRecord { manifest.extensions.append("networks", record) }
        manifest.training = record
        return manifest
    }

    /// What only training needs beside the model: networks with their sizes and plugins; nil: nothing.
    private var networkRecord: JSON? {
        guard keepsTrainingNetworks else { return nil }
        if trainingNetworks.isEmpty { return archive?.manifest.extensions["networks"] }
        return .array(
            trainingNetworks.map { name, network in
                let plugins = Set(network.graph.definition.nodes.map { String($0.component.prefix { $0 != "." }) })
                return [
                    "name": .string(name), "parameters": .integer(Int64(network.graph.parameterCount)),
                    "plugins": .array(plugins.sorted().map { .string($0) }),
                ]
            })
    }

    /// How raw samples were read, and what texts become.
    private var decode: JSONObject {
        var decode: JSONObject = [:]
        if let type = preprocessing.rawType, let shape = preprocessing.rawShape {
            decode["dtype"] = .string(type.name)
            decode["shape"] = .array(shape.map { .integer(Int64($0)) })
        }
        if !preprocessing.texts.isEmpty {
            let paths = TextAsset.paths(preprocessing.texts)
            decode["text"] = .object(
                JSONObject(
                    preprocessing.texts.map { entry in
                        let tokenizer = entry.tokenizer.map { component -> JSON in
                            [
                                "component": .string(component.id), "attributes": .object(component.attributes),
                                "asset": .string(textAssets[entry.name]?.path ?? paths[entry.name]!),
                            ]
                        }
                        return (entry.name, .object(entry.json(tokenizer)))
                    }))
        }
        guard !decode.isEmpty, let origin = preprocessing.origin else { return decode }
        var reader: JSONObject = [
            "component": .string(origin.id), "attributes": .object(origin.attributes), "field": .string(origin.field),
        ]
        if !origin.reading.isEmpty { reader.append("reading", .object(origin.reading)) }
        decode["reader"] = .object(reader)
        return decode
    }

    /// Every component that the model needs, by plugin, with the versions that it was made with.
    private func plugins() throws -> [Manifest.Plugin] {
        var needed: [(kind: String, id: String)] = graph.definition.nodes.map { ($0.kind, $0.component) }
        if let loss = graph.definition.loss { needed.append((loss.kind, loss.component)) }
        needed += preprocessing.steps.map { ("transform", $0.id) }
        needed += preprocessing.texts.compactMap(\.tokenizer).map { ("tokenizer", $0.id) }
        if let link { needed.append(("layer", link)) }
        var found: [String: Set<Manifest.Component>] = [:]
        for (kind, id) in needed {
            let description = try registry.describe(kind: kind, id: id)
            let plugin = String(id.split(separator: ".")[0])
            let name = String(id.dropFirst(plugin.count + 1))
            found[plugin, default: []].insert(.init(kind: kind, name: name, version: description.version))
        }
        return try found.sorted { $0.key < $1.key }.map { id, components in
            guard let plugin = registry.plugin(id), let version = SemanticVersion(plugin.version) else {
                throw LaminaError(.plugin, "plugin '\(id)' has no semantic version")
            }
            return Manifest.Plugin(
                id: id, versions: VersionRange(compatibleWith: version),
                abi: ABIVersion(Int(LAMINA_ABI_MAJOR), Int(LAMINA_ABI_MINOR)),
                components: components.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) }, source: nil)
        }
    }

    private var signature: Manifest.Signature {
        var symbols: Set<String> = []
        for case .symbol(let name) in graph.definition.inputs.flatMap(\.shape) { symbols.insert(name) }
        var computed: [String: String] = [:]
        /// What layers computed from open dimensions, as in "(H - 3) / 2 + 1", gets a name: manifests hold no formulas.
        func name(_ symbol: String) -> String {
            if symbols.contains(symbol) { return symbol }
            if let known = computed[symbol] { return known }
            var name = "D\(computed.count + 1)"
            while symbols.contains(name) { name += "_" }
            computed[symbol] = name
            return name
        }
        func dimension(_ size: GraphDefinition.Size) -> Manifest.Dimension {
            switch size {
            case .fixed(let value): .fixed(value)
            case .symbol(let symbol): .symbol(name(symbol))
            }
        }
        return .init(
            inputs: graph.definition.inputs.map {
                .init(name: $0.name, dtype: $0.dtype.safetensors, shape: $0.shape.map(dimension))
            },
            outputs: graph.outputSignature.map {
                .init(name: $0.name, dtype: $0.dtype.safetensors, shape: $0.shape.map(dimension))
            })
    }

    private var record: JSONObject {
        var record = trainingRecord
        if let recipe, record["recipe"] == nil { record.append("recipe", recipe.json()) }
        if record["lamina"] == nil { record.append("lamina", .string(Lamina.version)) }
        return record
    }

    /// Keeps what a checkpoint says of the training.
    private func note(_ checkpoint: Checkpoint) {
        var rows = JSONObject()
        for member in record.members where !["epochs", "metrics", "data"].contains(member.key) {
            rows.append(member.key, member.value)
        }
        for member in checkpoint.record.members { rows.append(member.key, member.value) }
        trainingRecord = rows
    }

    // MARK: Card and self-test

    private var card: String {
        var text = "# \(name)\n\n"
        if let about = recipe?.documentation { text += about + "\n\n" }
        text +=
            "A Lamina model with \(graph.parameterCount) parameters.\n\n| input or output | type | shape |\n|---|---|---|\n"
        for input in graph.definition.inputs {
            text +=
                "| \(input.name) | \(input.dtype.name) | \(input.shape.map(\.description).joined(separator: " × ")) |\n"
        }
        for output in graph.outputSignature {
            text +=
                "| \(output.name) | \(output.dtype.name) | \(output.shape.map(\.description).joined(separator: " × ")) |\n"
        }
        if let metrics = trainingRecord["metrics"] { text += "\nLast epoch: \(metrics.text())\n" }
        return text + "\nUse it: \(usage).\n"
    }

    /// Larger inputs, in bytes, are not recorded as an example: an archive would be little else.
    private static let exampleLimit = 64 << 20

    /// Two samples of noise and what the model makes of them; nil when inputs are very large, or the model takes none of
    /// them: no size for its open dimensions fits, a vocabulary has fewer tokens. A trained model is saved all the same.
    func exampleCase() throws -> (inputs: [NamedTensor], outputs: [NamedTensor])? {
        do {
            return try probe(batch: 2) { shapes in
                guard try byteCount(ofInputs: shapes) <= Self.exampleLimit else { return nil }
                let inputs = exampleInputs(shapes)
                return (inputs, try run(inputs).outputs)
            }
        } catch let error as LaminaError where error.kind == .data {
            return nil
        }
    }

    private func byteCount(ofInputs shapes: [[Int]]) throws(LaminaError) -> Int {
        var sum = 0
        for (input, shape) in zip(graph.definition.inputs, shapes) {
            var count = 1
            for size in shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard !overflow, product <= 1 << 40 else {
                    throw LaminaError(
                        .recipe,
                        "input '\(input.name)' would have shape \(shape): no tensor may have more than 2^40 elements")
                }
                count = product
            }
            sum += count * input.dtype.size
        }
        return sum
    }

    private func exampleInputs(_ shapes: [[Int]]) -> [NamedTensor] {
        var inputs: [NamedTensor] = []
        for (index, (input, shape)) in zip(graph.definition.inputs, shapes).enumerated() {
            let count = shape.reduce(1, *)
            if input.dtype == .float32 {
                var random = lamina_random(seed: UInt64(Self.exampleSeed), stream: UInt64(index), offset: 0)
                let values = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
                    let services = registry.runtime.services
                    if count > 0 {
                        services.pointee.random_uniform(services, &random, 0, buffer.baseAddress, Int64(count))
                    }
                    filled = count
                }
                inputs.append(NamedTensor(input.name, shape, values))
            } else if input.dtype == .int64, let values = exampleTexts(input, shape) {
                inputs.append(NamedTensor(input.name, shape, values))
            } else {
                // Zero is a valid index for every layer that takes indices.
                inputs.append(
                    NamedTensor(
                        input.name, input.dtype, shape, bytes: [UInt8](repeating: 0, count: count * input.dtype.size)))
            }
        }
        return inputs
    }

    /// For inputs that texts fill: ids that every vocabulary has, and lengths that rows of the other inputs have.
    private func exampleTexts(_ input: GraphDefinition.Input, _ shape: [Int]) -> [Int64]? {
        let texts = preprocessing.texts
        if texts.contains(where: { $0.name == input.name }) {
            return (0..<shape.reduce(1, *)).map { Int64(1 + $0 % 3) }
        }
        guard let entry = texts.first(where: { $0.lengthName == input.name }),
            let filled = graph.definition.inputs.first(where: { $0.name == entry.name })
        else { return nil }
        // The shortest of the sizes that are tried for open dimensions; a fixed one may be shorter.
        if case .fixed(let size)? = filled.shape.last { return [Int64](repeating: Int64(size), count: shape[0]) }
        return (0..<shape[0]).map { Int64(max(1, Self.openSizes[0] - 3 * $0)) }
    }
}
