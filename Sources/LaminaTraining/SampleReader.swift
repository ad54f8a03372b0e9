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
    private let chain: TransformChain

    /// The first field of a source through `steps`.
    public init(
        _ source: DataSource, steps: [(id: String, attributes: JSONObject)], registry: Registry
    ) throws(TrainingError) {
        self.source = source
        chain = try TransformChain(steps, from: source.fields[0].dtype, source.fields[0].shape, registry: registry)
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
            fields[0], chain.makeBuffers(capacity: samples.count), isTraining: false, seed: 0, step: 0)
        memcpy(target, result.data, result.byteCount)
    }
}

extension DataSource {
    /// Opens a single file with the source that reads its suffix. `shape` is what a sample should have, [C, H, W] for images.
    public static func file(
        _ path: String, suffix: String? = nil, shape: [Int]?, registry: Registry
    ) throws(TrainingError) -> DataSource {
        let ending =
            suffix ?? path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map { $0.lowercased() }
        let sources = registry.components(kind: "source").filter { !$0.suffixes.isEmpty }
        guard let description = sources.first(where: { source in source.suffixes.contains { $0 == ending } }) else {
            let known = sources.flatMap(\.suffixes).map { ".\($0)" }.joined(separator: ", ")
            throw TrainingError(
                known.isEmpty ? .plugin : .data,
                "\(path): no installed source reads "
                    + (ending.map { "files that end in .\($0)" } ?? "a file without an ending")
                    + (known.isEmpty ? "; install a plugin with one" : "; known endings are \(known)"))
        }
        var attributes: JSONObject = ["path": .string(path)]
        // What the source offers of these is set to what the model was trained on.
        if let shape, shape.count == 3 {
            for (name, size) in zip(["channels", "height", "width"], shape)
            where description.attributes.contains(where: { $0.name == name }) {
                attributes.append(name, .integer(Int64(size)))
            }
        }
        return try DataSource(description.id, attributes, registry: registry)
    }
}
