/// What a plane can be resampled in.
protocol PixelValue: BitwiseCopyable {
    var asFloat: Float { get }
    init(rounding value: Float)
}

extension UInt8: PixelValue {
    @inline(__always) var asFloat: Float { Float(self) }
    /// Of a mean of bytes, so never out of range; halves go up.
    @inline(__always) init(rounding value: Float) { self = UInt8(truncatingIfNeeded: Int32(value + 0.5)) }
}

extension Float: PixelValue {
    @inline(__always) var asFloat: Float { self }
    @inline(__always) init(rounding value: Float) { self = value }
}

/// Resizing of one plane; sizes are at least 1.
enum Resampling {
    /// Bilinear with half-pixel centres: output pixel i looks at (i + ½) · in / out − ½, clamped at the borders.
    ///
    /// The same as PyTorch's `interpolate(mode="bilinear", align_corners=False)` without anti-aliasing. `pixelStride`
    /// is the distance between neighbours in a row of the input, whose rows follow each other.
    @inline(__always)
    static func bilinear<Value: PixelValue>(
        from input: UnsafePointer<Value>, height: Int, width: Int, pixelStride: Int,
        to output: UnsafeMutablePointer<Value>, height outHeight: Int, width outWidth: Int
    ) {
        let scaleY = Float(height) / Float(outHeight)
        let scaleX = Float(width) / Float(outWidth)
        for y in 0..<outHeight {
            let (y0, y1, weightY) = neighbours(y, scaleY, height)
            let upper = input + y0 * width * pixelStride
            let lower = input + y1 * width * pixelStride
            let row = output + y * outWidth
            for x in 0..<outWidth {
                let (x0, x1, weightX) = neighbours(x, scaleX, width)
                let (a, b) = (upper[x0 * pixelStride].asFloat, upper[x1 * pixelStride].asFloat)
                let (c, d) = (lower[x0 * pixelStride].asFloat, lower[x1 * pixelStride].asFloat)
                let top = (1 - weightX) * a + weightX * b
                let bottom = (1 - weightX) * c + weightX * d
                row[x] = Value(rounding: (1 - weightY) * top + weightY * bottom)
            }
        }
    }

    /// The two input positions that output position `i` lies between, and the share of the second.
    @inline(__always)
    private static func neighbours(_ i: Int, _ scale: Float, _ size: Int) -> (Int, Int, Float) {
        let position = max(0, (Float(i) + 0.5) * scale - 0.5)
        let first = min(Int(Int32(position)), size - 1)
        return (first, min(first + 1, size - 1), position - Float(first))
    }

    /// Nearest neighbour: output pixel i takes input pixel ⌊i · in / out⌋, in integers.
    ///
    /// PyTorch's `mode="nearest"` means the same; for a few sizes the float32 in / out that it multiplies by is rounded
    /// down, and it takes the pixel before.
    @inline(__always)
    static func nearest<Value>(
        from input: UnsafePointer<Value>, height: Int, width: Int, to output: UnsafeMutablePointer<Value>,
        height outHeight: Int, width outWidth: Int
    ) {
        for y in 0..<outHeight {
            let from = input + y * height / outHeight * width
            let row = output + y * outWidth
            for x in 0..<outWidth { row[x] = from[x * width / outWidth] }
        }
    }
}
