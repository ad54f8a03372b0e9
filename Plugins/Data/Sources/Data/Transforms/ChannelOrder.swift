import LaminaSDK

/// Moves the last dimension to the front: [H, W, C] → [C, H, W], any type and rank from 2 on.
public struct ToChannelsFirst: Transform {
    public static let name = "to_channels_first"
    public static let documentation = "[H, W, C] to [C, H, W], the order that layers take."

    public init(_ attributes: Attributes) {}

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        try ChannelOrder.check(shape, Self.name)
        return (dtype, [shape[shape.count - 1]] + shape.dropLast())
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        let channels = input.size(input.rank - 1)
        ChannelOrder.transpose(input, to: output, rows: input.product(1, input.rank - 1), columns: channels, host)
    }
}

/// Moves the first dimension to the end: [C, H, W] → [H, W, C], any type and rank from 2 on.
public struct ToChannelsLast: Transform {
    public static let name = "to_channels_last"
    public static let documentation = "[C, H, W] to [H, W, C]."

    public init(_ attributes: Attributes) {}

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        try ChannelOrder.check(shape, Self.name)
        return (dtype, shape.dropFirst() + [shape[0]])
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        ChannelOrder.transpose(input, to: output, rows: input.size(1), columns: input.product(2, input.rank), host)
    }
}

/// What the two have in common: each sample is a matrix, transposed.
enum ChannelOrder {
    static func check(_ shape: [Int], _ transform: String) throws(PluginError) {
        guard shape.count >= 2 else {
            throw .shape("data.\(transform) takes samples of at least 2 dimensions, got \(shape)")
        }
    }

    /// [N, rows, columns] → [N, columns, rows]
    static func transpose(_ input: Tensor, to output: Tensor, rows: Int, columns: Int, _ host: Host) {
        switch input.elementSize {
        case 1: transpose(input, output, rows, columns, UInt8.self, host)
        case 4: transpose(input, output, rows, columns, UInt32.self, host)
        default: transpose(input, output, rows, columns, UInt64.self, host)
        }
    }

    @inline(__always)
    private static func transpose<Element: BitwiseCopyable>(
        _ input: Tensor, _ output: Tensor, _ rows: Int, _ columns: Int, _: Element.Type, _ host: Host
    ) {
        let sample = rows * columns
        let (x, y) = (
            input.bytes.assumingMemoryBound(to: Element.self), output.bytes.assumingMemoryBound(to: Element.self)
        )
        host.parallelFor(input.size(0), grain: max(1, (64 << 10) / max(sample, 1))) { begin, end in
            for index in begin..<end {
                let (from, to) = (x + index * sample, y + index * sample)
                for column in 0..<columns {
                    for row in 0..<rows { to[column * rows + row] = from[row * columns + column] }
                }
            }
        }
    }
}
