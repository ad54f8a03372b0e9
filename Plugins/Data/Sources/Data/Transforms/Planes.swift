import Glibc
import LaminaSDK

/// A sample seen as planes of pixels: its last two dimensions are height and width, [C, H, W] or [H, W] or more.
struct Planes {
    let count: Int
    let height: Int
    let width: Int

    /// The planes of a whole batch.
    init(_ batch: Tensor) {
        height = batch.size(batch.rank - 2)
        width = batch.size(batch.rank - 1)
        count = batch.product(0, batch.rank - 2)
    }

    /// Runs `body` for every plane of the batch, in parallel, in chunks of about 64 KiB.
    @inline(__always)
    func forEach(on host: Host, bytesPerPlane: Int, _ body: (_ plane: Int) -> Void) {
        host.parallelFor(count, grain: max(1, (64 << 10) / max(bytesPerPlane, 1))) { begin, end in
            for plane in begin..<end { body(plane) }
        }
    }

    /// The height and width of a sample, which must have them.
    static func size(of shape: [Int], for transform: String) throws(PluginError) -> (height: Int, width: Int) {
        guard shape.count >= 2 else {
            throw .shape("data.\(transform) takes images [channels, height, width], got \(shape)")
        }
        return (shape[shape.count - 2], shape[shape.count - 1])
    }

    /// The sample's shape with another height and width.
    static func shape(_ shape: [Int], _ height: Int, _ width: Int) -> [Int] { shape.dropLast(2) + [height, width] }
}

extension AttributeSchema {
    /// Height and width of an output.
    static func size(_ documentation: String) -> AttributeSchema {
        .integers("size", 1...65536, count: 1...2, documentation)
    }
}

extension Attributes {
    func size() -> (height: Int, width: Int) {
        let values = integers("size")
        return (values[0], values[values.count - 1])
    }
}

/// A rectangle of a plane, which may reach beyond it; there it has a constant value.
struct Window {
    var top: Int
    var left: Int
    var height: Int
    var width: Int

    /// Copies the rectangle of `plane` (height × width, elements of `size` bytes) to `output`.
    @inline(__always)
    func copy(
        _ size: Int, from plane: UnsafeRawPointer, height planeHeight: Int, width planeWidth: Int,
        to output: UnsafeMutableRawPointer, fill: UInt64
    ) {
        let first = min(max(0, -left), width)
        let last = max(first, min(width, planeWidth - left))
        for y in 0..<height {
            let row = output + y * width * size
            let from = y + top
            guard from >= 0, from < planeHeight, last > first else {
                Window.fill(row, width, size, fill)
                continue
            }
            Window.fill(row, first, size, fill)
            memcpy(row + first * size, plane + (from * planeWidth + left + first) * size, (last - first) * size)
            Window.fill(row + last * size, width - last, size, fill)
        }
    }

    private static func fill(_ memory: UnsafeMutableRawPointer, _ count: Int, _ size: Int, _ value: UInt64) {
        switch size {
        case 1: memset(memory, Int32(truncatingIfNeeded: value), count)
        case 4:
            let words = memory.assumingMemoryBound(to: UInt32.self)
            for i in 0..<count { words[i] = UInt32(truncatingIfNeeded: value) }
        default:
            let words = memory.assumingMemoryBound(to: UInt64.self)
            for i in 0..<count { words[i] = value }
        }
    }
}
