import Glibc
import LaminaSDK

/// Points around a circle: a mixture of normal distributions whose means are evenly spaced on it.
///
/// Sample i belongs to mode m, drawn uniformly, and is radius · (cos 2πm/modes, sin 2πm/modes) + deviation · n with n
/// standard normal. Fields: "point" [2] float32 and "label" int64, the mode. Sample i of a seed always has the same
/// values. What a generator collapses to is seen at a glance. Source: Metz, Poole, Pfau, Sohl-Dickstein, Unrolled
/// generative adversarial networks (2016), section 3.1.
public final class RingSource: Source {
    public static let name = "ring"
    public static let documentation = "Points in normal distributions around a circle, the same ones for the same seed."
    public static let attributes: [AttributeSchema] = [
        .integer("count", default: 10_000, 1...1e9, "how many samples there are"),
        .integer("modes", default: 8, 1...1e6, "how many distributions there are, evenly spaced"),
        .real("radius", default: 2, 0...1e9, "radius of the circle on which their means are"),
        .real("deviation", default: 0.05, 0...1e9, "standard deviation of each, in both directions"),
        .integer("seed", default: 0, 0...1e15, "other seeds give other samples"),
    ]

    public let description: SourceDescription
    private let host: Host
    private let modes: Int
    private let radius, deviation: Double
    private let seed: UInt64

    /// Names of modes are told up to this many.
    private static let mostNames = 1000

    public init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        modes = attributes.integer("modes")
        (radius, deviation) = (attributes.real("radius"), attributes.real("deviation"))
        seed = UInt64(attributes.integer("seed"))
        description = SourceDescription(
            count: attributes.integer("count"),
            fields: [.init("point", .float32, [2]), .init("label", .int64, [])],
            classes: modes <= Self.mostNames ? (0..<modes).map { "\($0)" } : [],
            fingerprint: [UInt64(modes), radius.bitPattern, deviation.bitPattern, seed].flatMap { word in
                withUnsafeBytes(of: word.littleEndian) { [UInt8]($0) }
            })
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        let (points, labels) = (outputs[0].floats, outputs[1].int64s)
        host.parallelFor(indices.count, grain: 1024) { begin, end in
            for row in begin..<end {
                let stream = RandomStream(seed: seed, stream: UInt64(indices[row]), offset: 0)
                let point = points + 2 * row
                host.normal(stream, into: point, count: 2)
                // The words behind those of the normal numbers.
                var bits: UInt32 = 0
                host.bits(stream, first: Self.firstLabelWord, into: &bits, count: 1)
                let mode = Int((UInt64(bits) * UInt64(modes)) >> 32)
                let angle = 2 * Double.pi * Double(mode) / Double(modes)
                point[0] = Float(radius * cos(angle) + deviation * Double(point[0]))
                point[1] = Float(radius * sin(angle) + deviation * Double(point[1]))
                labels[row] = Int64(mode)
            }
        }
    }

    private static let firstLabelWord = 4
}
