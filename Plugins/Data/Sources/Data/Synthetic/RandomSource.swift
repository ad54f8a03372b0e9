import LaminaSDK

/// Samples of uniform random numbers, with random labels if asked for: for benchmarks and for trying out a model.
///
/// Fields: "input" float32 of `shape`, in [0, 1), and, with `classes`, "label" int64 in 0 ..< classes. Sample i of a seed
/// always has the same values.
public final class RandomSource: Source {
    public static let name = "random"
    public static let documentation = "Uniform random samples, the same ones for the same seed: for benchmarks."
    public static let attributes: [AttributeSchema] = [
        .integer("count", 1...1e9, "how many samples there are"),
        .integers("shape", 1...1e9, count: 0...7, "the shape of one sample"),
        .integer("classes", default: nil, 1...1e9, "how many labels there are; none unless given"),
        .integer("seed", default: 0, 0...1e15, "other seeds give other samples"),
    ]

    public let description: SourceDescription
    private let host: Host
    private let classes: UInt32?
    private let size: Int
    private let seed: UInt64

    public init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        let shape = attributes.integers("shape")
        var size = 1
        for axis in shape {
            let (product, overflows) = size.multipliedReportingOverflow(by: axis)
            guard !overflows, product <= 1 << 31 else {
                throw PluginError.attribute("shape \(shape) has more than 2^31 elements")
            }
            size = product
        }
        self.size = size
        classes = attributes.optionalInteger("classes").map { UInt32($0) }
        seed = UInt64(attributes.integer("seed"))
        var fields: [SourceDescription.Field] = [.init("input", .float32, shape)]
        if classes != nil { fields.append(.init("label", .int64, [])) }
        let names = (classes ?? 0) <= 1000 ? (0..<(classes ?? 0)).map { "\($0)" } : []
        description = SourceDescription(count: attributes.integer("count"), fields: fields, classes: names)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        let values = outputs[0].floats
        host.parallelFor(indices.count, grain: max(1, 65536 / size)) { begin, end in
            for row in begin..<end {
                let stream = RandomStream(seed: seed, stream: UInt64(indices[row]), offset: 0)
                host.uniform(stream, into: values + row * size, count: size)
            }
        }
        guard let classes else { return }
        let labels = outputs[1].bytes.assumingMemoryBound(to: Int64.self)
        for row in 0..<indices.count {
            var bits: UInt32 = 0
            host.bits(
                RandomStream(seed: seed, stream: UInt64(indices[row]), offset: 0), first: size, into: &bits, count: 1)
            labels[row] = Int64((UInt64(bits) * UInt64(classes)) >> 32)
        }
    }
}
