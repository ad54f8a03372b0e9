import CDNNL
import LaminaSDK

/// How the weights are put into the form in which kernels read them.
protocol WeightCopy {
    func run(_ host: Host, from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer) throws
}

/// A copy that knows its size.
protocol FormedWeights: WeightCopy {
    var bytes: Int { get }
}

/// Copies weights from one order in memory to another, cut by output channels into parts for several threads.
final class WeightReorder: WeightCopy {
    private let parts: [PrimitiveCall]

    /// Output channels of a part are a multiple of every block size that oneDNN uses.
    private static let channelUnit = 64
    private static let elementsOfPart = 65536

    init(_ shape: ConvolutionShape, from source: MemoryDescriptor, to destination: MemoryDescriptor) throws {
        let channels = shape.groups == 1 ? shape.outputChannels : shape.groups
        let perChannel = max(1, shape.weightElements / channels)
        let unit = Self.channelUnit
        let step = max(unit, Self.elementsOfPart / perChannel / unit * unit)
        let ranges = stride(from: 0, to: channels, by: step).map { $0..<min($0 + step, channels) }
        // Some layouts cannot be cut; they are copied in one go.
        parts =
            try (try? ranges.map { try Self.part(source, destination, $0) })
            ?? [Self.part(source, destination, 0..<channels)]
    }

    private static func part(_ source: MemoryDescriptor, _ destination: MemoryDescriptor, _ channels: Range<Int>) throws
        -> PrimitiveCall
    {
        let (from, to) = try (source.slice(channels), destination.slice(channels))
        let reorder = try Primitive.reorder(from: from, to: to)
        guard reorder.scratchBytes == 0 else { throw PluginError.internal("oneDNN wants scratch for a reorder") }
        return try PrimitiveCall(reorder, [(DNNL_ARG_FROM, from), (DNNL_ARG_TO, to)])
    }

    func run(_ host: Host, from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer) throws {
        host.parallelFor(parts.count, grain: 1) { begin, end in
            OneDNN.onThisThread {
                for index in begin..<end {
                    parts[index].bind(0, from)
                    parts[index].bind(1, to)
                    parts[index].run()
                }
            }
        }
        for part in parts { try part.check() }
    }
}
