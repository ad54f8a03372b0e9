import LaminaSDK

/// Samples of random numbers, with random labels or targets if asked for: for benchmarks and for trying out a model.
///
/// Fields: "input" of `shape`, float32 uniform in [0, 1) or, with `tokens`, int64 uniform in 0 ..< tokens; with `classes`,
/// "label" int64 in 0 ..< classes, one or, with `labels: element`, of `shape`; with `binary`, "target" float32 [binary] of
/// zeros and ones. Sample i of a seed always has the same values.
public final class RandomSource: Source {
    public static let name = "random"
    public static let documentation = "Uniform random samples, the same ones for the same seed: for benchmarks."
    public static let attributes: [AttributeSchema] = [
        .integer("count", 1...1e9, "how many samples there are"),
        .integers("shape", 1...1e9, count: 0...7, "the shape of one sample"),
        .integer("tokens", default: nil, 1...2e9, "integers from 0 to below this instead of numbers in [0, 1)"),
        .integer("classes", default: nil, 1...1e9, "how many labels there are; none unless given"),
        .string(
            "labels", default: "sample", choices: ["sample", "element"],
            "classes: one label per sample, or one per element of it, such as a token"),
        .integer("binary", default: nil, 1...1e9, "how many targets, 0 or 1, a sample has; none unless given"),
        .integer("seed", default: 0, 0...1e15, "other seeds give other samples"),
    ]

    public let description: SourceDescription
    private let host: Host
    private let tokens, classes: UInt32?
    private let binary: Int?
    private let size: Int
    /// Labels of a sample.
    private let labels: Int
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
        tokens = attributes.optionalInteger("tokens").map { UInt32($0) }
        classes = attributes.optionalInteger("classes").map { UInt32($0) }
        binary = attributes.optionalInteger("binary")
        if classes != nil, binary != nil {
            throw PluginError.attribute("classes and binary are both given: leave out one, a sample has one target")
        }
        seed = UInt64(attributes.integer("seed"))
        var fields: [SourceDescription.Field] = [.init("input", tokens == nil ? .float32 : .int64, shape)]
        let labelShape = attributes.string("labels") == "element" ? shape : []
        labels = labelShape.reduce(1, *)
        if classes != nil { fields.append(.init("label", .int64, labelShape)) }
        if let binary { fields.append(.init("target", .float32, [binary])) }
        let names = (classes ?? 0) <= 1000 ? (0..<(classes ?? 0)).map { "\($0)" } : []
        description = SourceDescription(count: attributes.integer("count"), fields: fields, classes: names)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        host.parallelFor(indices.count, grain: max(1, 65536 / size)) { begin, end in
            for row in begin..<end {
                let stream = RandomStream(seed: seed, stream: UInt64(indices[row]), offset: 0)
                if let tokens {
                    integers(stream, first: 0, below: tokens, into: outputs[0].int64s + row * size, count: size)
                } else {
                    host.uniform(stream, into: outputs[0].floats + row * size, count: size)
                }
                // The numbers behind the input's.
                if let classes {
                    integers(stream, first: size, below: classes, into: outputs[1].int64s + row * labels, count: labels)
                } else if let binary {
                    coins(stream, first: size, into: outputs[1].floats + row * binary, count: binary)
                }
            }
        }
    }

    private func integers(
        _ stream: RandomStream, first: Int, below bound: UInt32, into out: UnsafeMutablePointer<Int64>, count: Int
    ) {
        for i in 0..<count {
            var bits: UInt32 = 0
            host.bits(stream, first: first + i, into: &bits, count: 1)
            out[i] = Int64((UInt64(bits) * UInt64(bound)) >> 32)
        }
    }

    private func coins(_ stream: RandomStream, first: Int, into out: UnsafeMutablePointer<Float>, count: Int) {
        host.uniform(stream, first: first, into: out, count: count)
        for i in 0..<count { out[i] = out[i] < 0.5 ? 0 : 1 }
    }
}
