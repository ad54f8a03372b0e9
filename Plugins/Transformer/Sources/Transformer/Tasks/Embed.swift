import LaminaDecoding
import LaminaFormats
import LaminaSDK

/// A vector per text: the mean over the encoder's output, or another layer's, of the tokens that count.
///
/// The output is that of the last residual connection with the norm behind it. Models with a class token, or whose
/// classifier reads the first step alone, give that step's vector instead.
struct Embed: ModelTask {
    static let name = "embed"
    static let documentation = "A vector per text, from a model that takes tokens; not for images."
    static let usage = "TEXT…"
    static let attributes: [AttributeSchema] = [
        .path("file", optional: true, "A file with a text per line."),
        .string("layer", default: "", "The node whose output it is; default: the encoder's end, before its head."),
        .string(
            "pooling", default: "auto", choices: TextEncoder.Pooling.allCases.map(\.rawValue),
            "Of the tokens' vectors: their mean, the first or the last; auto: the mean, or the class token's."),
        .path("output", optional: true, "A file for the vectors, .npy or .safetensors; default: a row per text."),
        .integer("batch", default: 64, 1...1e5, "Texts that are computed side by side."),
    ]

    private let file, output: String?
    private let layer: String
    private let pooling: TextEncoder.Pooling
    private let batch: Int
    private let host: Host

    init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        file = attributes.optionalString("file")
        output = attributes.optionalString("output")
        layer = attributes.string("layer")
        pooling = TextEncoder.Pooling(rawValue: attributes.string("pooling"))!
        batch = attributes.integer("batch")
        if let output, !output.hasSuffix(".npy"), !output.hasSuffix(".safetensors") {
            throw PluginError.attribute("output is '\(output)', wanted a name that ends in .npy or .safetensors")
        }
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        let texts = try arguments + (file.map(Self.read) ?? [])
        guard !texts.isEmpty else { throw PluginError.attribute("there is no text to embed: give some, or --file") }
        let encoder = try TextEncoder(model, layer: layer.isEmpty ? nil : layer, pooling: pooling)
        let tokens = try texts.map(encoder.tokens)
        var vectors = [[Float]](repeating: [], count: texts.count)
        var done = 0
        for group in TokenBatch.groups(tokens, together: encoder.lengths != nil, size: batch) {
            if host.isCancelled { throw PluginError.cancelled }
            for (index, vector) in zip(group, try encoder.vectors(group.map { tokens[$0] })) { vectors[index] = vector }
            done += group.count
            answer.progress(done, of: texts.count)
        }
        guard let output else {
            for (text, vector) in zip(texts, vectors) {
                answer.addRow(["text": .string(text), "vector": .reals(vector.map(Double.init))])
            }
            return
        }
        try write(vectors, to: output)
        answer.wrote(file: output)
    }

    private func write(_ vectors: [[Float]], to path: String) throws {
        let (values, shape) = (Array(vectors.joined()), [vectors.count, vectors[0].count])
        do {
            if path.hasSuffix(".npy") { return try NPY.write(values, shape: shape, path: path) }
            try values.withUnsafeBytes {
                try Safetensors.write([.init(name: "vectors", dtype: .f32, shape: shape, bytes: $0)], path: path)
            }
        } catch {
            throw PluginError.file("\(error)")
        }
    }

    private static func read(_ path: String) throws -> [String] {
        var texts: [String] = []
        do {
            try FileMapping(path: path).forEachLine { _, line in
                // Blank lines are no texts.
                if line.contains(where: { !$0.isWhitespace }) { texts.append(String(line)) }
            }
        } catch {
            throw PluginError.file("\(error)")
        }
        return texts
    }
}
