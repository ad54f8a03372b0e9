import Glibc
import LaminaFormats
import LaminaHost
import LaminaSDK

/// Reads samples of one field through transforms, outside of training: what predictions start from.
public final class SampleReader {
    /// Type and shape of one sample as the model sees it.
    public let dtype: DataType
    public let shape: [Int]
    private let source: DataSource
    private let field: Int
    private let chain: TransformChain

    /// A field of a source through `steps`.
    public init(
        _ source: DataSource, field: Int = 0, steps: [(id: String, attributes: JSONObject)], registry: Registry
    ) throws(TrainingError) {
        self.source = source
        self.field = field
        let raw = source.fields[field]
        chain = try TransformChain(steps, from: raw.dtype, raw.shape, registry: registry)
        (dtype, shape) = (chain.dtype, chain.shape)
    }

    /// Reads a range of samples into memory for them.
    public func read(_ samples: Range<Int64>, into target: UnsafeMutableRawPointer) throws(TrainingError) {
        var fields: [BatchTensor] = []
        for field in source.fields { fields.append(try BatchTensor(field.dtype, field.shape, capacity: samples.count)) }
        let indices = Array(samples)
        do {
            try indices.withUnsafeBufferPointer { indices in
                try source.read(indices, into: fields.map { $0.raw.pointee })
            }
        } catch let error as TrainingError {
            throw error
        } catch {
            throw TrainingError(.internal, "\(error)")
        }
        let result = try chain.apply(
            fields[field], chain.makeBuffers(capacity: samples.count), isTraining: false, seed: 0, step: 0)
        memcpy(target, result.data, result.byteCount)
    }
}

extension DataSource {
    /// What is known of the samples that a model was trained on.
    public struct Origin: Sendable, Equatable {
        /// The source that read them.
        public var id: String
        /// Its attributes without paths.
        public var attributes: JSONObject
        /// The field that became the model's input.
        public var field: String
        /// What it found in the training data and other files have to have, too: the columns of a table, say.
        public var reading: JSONObject

        public init(_ id: String, _ attributes: JSONObject, field: String, reading: JSONObject = [:]) {
            (self.id, self.attributes, self.field, self.reading) = (id, attributes, field, reading)
        }
    }

    /// Opens a single file with the source that reads its suffix, as the training data was read if that was the same source.
    ///
    /// - Parameters:
    ///   - shape: what a raw sample should have, [C, H, W] for images.
    ///   - channels: those of an image where its whole shape is not given.
    ///   - origin: how the training data was read.
    public static func file(
        _ path: String, suffix: String? = nil, shape: [Int]?, channels: Int? = nil, origin: Origin? = nil,
        registry: Registry
    ) throws(TrainingError) -> (source: DataSource, field: Int) {
        let ending =
            suffix ?? path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map { $0.lowercased() }
        func reads(_ source: ComponentDescription) -> Bool { source.suffixes.contains { $0 == ending } }
        let same = origin.flatMap { registry.component(kind: "source", id: $0.id) }.flatMap { reads($0) ? $0 : nil }
        guard let description = same ?? registry.firstComponent(kind: "source", where: reads) else {
            let known = registry.components(kind: "source").flatMap(\.suffixes).map { ".\($0)" }.joined(separator: ", ")
            throw TrainingError(
                known.isEmpty ? .plugin : .data,
                "\(path): no installed source reads "
                    + (ending.map { "files that end in .\($0)" } ?? "a file without an ending")
                    + (known.isEmpty ? "; install a plugin with one" : "; known endings are \(known)"))
        }
        let isSame = description.id == origin?.id
        var attributes: JSONObject = isSame ? origin.map { $0.attributes.merging($0.reading) } ?? [:] : [:]
        attributes["path"] = .string(path)
        // What the source offers of these is set to what the model was trained on.
        let sizes = shape.map { $0.count == 3 ? $0 : [] } ?? channels.map { [$0] } ?? []
        for (name, size) in zip(["channels", "height", "width"], sizes)
        where description.attributes.contains(where: { $0.name == name }) {
            attributes[name] = .integer(Int64(size))
        }
        // Samples to predict may come with their target, as the training data did, or without it.
        let bare = JSONObject(
            attributes.members.filter { !targetAttributes.contains($0.key) }.map { ($0.key, $0.value) })
        if attributes.members.count > bare.members.count,
            let source = try? DataSource(description.id, attributes, registry: registry),
            let field = source.fields.firstIndex(where: { $0.name == origin?.field }),
            source.fields[field].shape == shape
        {
            return (source, field)
        }
        if attributes.members.count > bare.members.count, let name = origin?.field,
            let source = try? DataSource(description.id, attributes, registry: registry),
            source.textFields.contains(name)
        {
            return (source, 0)
        }
        let source: DataSource
        do {
            source = try DataSource(description.id, bare, registry: registry)
        } catch  where error.kind == .recipe {
            // The attributes are those of the training data: it is the file that does not fit them.
            throw TrainingError(.data, error.text)
        }
        return (source, isSame ? source.fields.firstIndex { $0.name == origin?.field } ?? 0 : 0)
    }

    /// Attributes that say where a source finds the target.
    private static let targetAttributes = ["target", "target_type", "label", "classes"]
}
