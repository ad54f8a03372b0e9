import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

/// Vocabularies in archives: `assets/tokenizers/<entry>.json`, and in the manifest what they are for.
extension Model {
    /// Whether the model's input is text.
    public var readsText: Bool {
        preprocessing.texts.contains { entry in graph.definition.inputs.contains { $0.name == entry.name } }
    }

    /// The tokenizer of an entry of `data.text`; made from the archive's vocabulary when it is first wanted.
    public func tokenizer(of entry: String) throws(LaminaError) -> TextTokenizer {
        try sorted {
            try knownTokenizer(
                preprocessing.texts.first { $0.name == entry }.flatMap(preprocessing.texts.owner) ?? entry)
        }
    }

    private func knownTokenizer(_ owner: String) throws(TrainingError) -> TextTokenizer {
        if let known = tokenizers[owner] { return known }
        guard let asset = textAssets[owner], let assetSource, assetSource.contains(asset.path) else {
            throw TrainingError(.data, "the model has no vocabulary for '\(owner)': it learns one when it is trained")
        }
        let bytes: [UInt8]
        do {
            bytes = Array(try assetSource.entry(asset.path))
        } catch {
            throw TrainingError(.data, "\(error)")
        }
        let tokenizer = try TextTokenizer(asset.component, json: bytes, registry: registry)
        tokenizers[owner] = tokenizer
        return tokenizer
    }

    /// Every tokenizer that the model has, by the entry that owns it.
    func allTokenizers() throws(TrainingError) -> [String: TextTokenizer] {
        for (owner, asset) in textAssets where assetSource?.contains(asset.path) == true {
            _ = try knownTokenizer(owner)
        }
        return tokenizers
    }

    /// The vocabularies of a checkpoint, so that a resumed run has the ids of the one before; or those of a base.
    static func tokenizers(
        in archive: ArchiveChain, _ recipe: Recipe, _ registry: Registry
    ) throws -> [String: TextTokenizer] {
        guard let entries = recipe.data?.texts, !entries.isEmpty else { return [:] }
        var tokenizers: [String: TextTokenizer] = [:]
        for entry in entries {
            guard let component = entry.tokenizer, let asset = TextAsset.list(archive.manifest)[entry.name],
                archive.contains(asset.path), asset.component.id == component.id
            else { continue }
            do {
                tokenizers[entry.name] = try TextTokenizer(
                    component, json: Array(try archive.entry(asset.path)), registry: registry)
            } catch {
                throw LaminaError(error).inArchive(archive.archive.path)
            }
        }
        return tokenizers
    }

    /// Predicts texts; `names` say where they are from.
    public func predict(
        texts: [String], names: [String]? = nil, top: Int = .max
    ) throws(LaminaError) -> [Prediction] {
        try sorted {
            let inputs = try textInputs()
            for (index, text) in texts.enumerated() {
                let bytes = Array(text.utf8)
                let name = names?[index] ?? "text \(index + 1)"
                try bytes.withUnsafeBufferPointer { try inputs.add($0, name: name) }
            }
            return try predict(inputs, top) { names?[$0] ?? "\($0 + 1)" }
        }
    }

    /// Predicts the texts of a file: its lines, or what the source of the training data reads by the file's suffix.
    func predict(textFile path: String, suffix: String?, top: Int) throws -> [Prediction] {
        let inputs = try textInputs()
        if let source = try textSource(path, suffix) {
            let field = preprocessing.texts.first { entry in graph.definition.inputs.contains { $0.name == entry.name }
            }!.field
            try source.forEachText(field) { (index, text) throws(TrainingError) in
                try inputs.add(text, name: "\(path):\(index + 1)")
            }
        } else {
            try addLines(of: path, to: inputs)
        }
        return try predict(inputs, top) { inputs.count == 1 ? path : "\(path):\($0 + 1)" }
    }

    /// The file opened as the training data was, if its source reads such files; nil: lines are samples.
    private func textSource(_ path: String, _ suffix: String?) throws -> DataSource? {
        guard let origin = preprocessing.origin else { return nil }
        let ending = suffix ?? path.split(separator: "/").last?.split(separator: ".").dropFirst().last?.lowercased()
        let source = registry.component(kind: "source", id: origin.id)
        guard let ending, source?.suffixes.contains(ending) == true else { return nil }
        return try DataSource.file(path, suffix: ending, shape: nil, origin: origin, registry: registry).source
    }

    private func addLines(of path: String, to inputs: TextInputs) throws {
        try FileMapping(path: path).forEachLine { number, line in
            // Blank lines are no samples.
            guard line.contains(where: { !$0.isWhitespace }) else { return }
            var line = line
            try line.withUTF8 { try inputs.add($0, name: "\(path):\(number)") }
        }
        guard inputs.count > 0 else { throw LaminaError(.data, "\(path): the file holds no text") }
    }

    private func textInputs() throws -> TextInputs {
        try TextInputs(
            preprocessing.texts, inputs: graph.definition.inputs, runtime: registry.runtime,
            tokenizer: knownTokenizer)
    }

    private func predict(_ inputs: TextInputs, _ top: Int, name: (Int) -> String) throws -> [Prediction] {
        inputs.warnOfCuts()
        let network = try predictionNetwork()
        let output = link == nil ? graph.definition.measuredOutput ?? 0 : 0
        // What stands behind a text's end is padding, in an output per token, too.
        let isPerToken = inputs.isPerToken(network.graph.outputSignature[output].shape)
        var predictions: [Prediction] = []
        let batch = 64
        for begin in stride(from: 0, to: inputs.count, by: batch) {
            let texts = begin..<min(begin + batch, inputs.count)
            let plan = try network.plan(PlanRequest(inputs: inputs.shapes(texts)))
            inputs.fill(texts, plan.inputs)
            try network.forward(plan)
            for (row, text) in texts.enumerated() {
                predictions.append(
                    prediction(
                        plan.outputs[output], row, name(text), top, rows: isPerToken ? inputs.length(text) : nil))
            }
        }
        return predictions
    }
}

/// Where an archive keeps a vocabulary, and the component that reads it.
struct TextAsset {
    let component: Recipe.Component
    let path: String

    /// By the entry that owns it; what is ill-formed is left out and then missing.
    static func list(_ manifest: Manifest) -> [String: TextAsset] {
        guard case .object(let entries)? = manifest.preprocess.decode["text"] else { return [:] }
        var assets: [String: TextAsset] = [:]
        for member in entries.members {
            guard let tokenizer = member.value["tokenizer"], case .string(let id)? = tokenizer["component"],
                case .object(let attributes)? = tokenizer["attributes"], case .string(let path)? = tokenizer["asset"]
            else { continue }
            assets[member.key] = TextAsset(component: .init(kind: "tokenizer", id, attributes), path: path)
        }
        return assets
    }

    static let folder = "assets/tokenizers/"

    /// "assets/tokenizers/<entry>.json"; entries' names may have capitals, archives' have none.
    static func paths(_ entries: [Recipe.TextEntry]) -> [String: String] {
        var paths: [String: String] = [:]
        for entry in entries where entry.tokenizer != nil {
            var path = "\(folder)\(entry.name.lowercased()).json"
            while paths.values.contains(path) { path = String(path.dropLast(5)) + "-2.json" }
            paths[entry.name] = path
        }
        return paths
    }
}
