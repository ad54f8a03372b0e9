import LaminaFormats
import LaminaSDK

/// Images beside each other in rows, with a line between them.
enum SampleGrid {
    /// The values that stand for black and for white.
    struct Range {
        var low: Double
        var high: Double

        /// As the asset of a model says: `black` and `white`.
        init(_ fields: inout JSONFields) throws {
            (low, high) = (try fields.read("black"), try fields.read("white"))
            guard low < high else {
                throw JSONError(
                    .wrongValue, "black is \(low) and white \(high); wanted a lower black", path: fields.path)
            }
        }

        init(low: Double, high: Double) { (self.low, self.high) = (low, high) }

        func pixel(_ value: Float) -> UInt8 {
            let scaled = ((Double(value) - low) / (high - low) * 255).rounded()
            // NaN is black.
            return scaled > 0 ? UInt8(min(scaled, 255)) : 0
        }

        /// Samples of a shape as bytes, as image files have them.
        func bytes(_ values: UnsafeBufferPointer<Float>, shape: [Int]) -> TensorBuffer {
            let raw = TensorBuffer(.uint8, [values.count / max(shape.reduce(1, *), 1)] + shape)
            for (index, value) in values.enumerated() { raw.tensor.uint8s[index] = pixel(value) }
            return raw
        }
    }

    /// Whether samples of this shape are images: (1 or 3 channels, height, width).
    static func isImage(_ shape: [Int]) -> Bool { shape.count == 3 && [1, 3].contains(shape[0]) }

    /// A picture of `count` images of a shape (channels, height, width), row by row.
    static func picture(_ images: UnsafePointer<Float>, count: Int, shape: [Int], columns: Int, _ range: Range)
        -> Picture
    {
        let (channels, height, width) = (shape[0], shape[1], shape[2])
        let columns = max(1, min(columns, count))
        let rows = (count + columns - 1) / columns
        var picture = Picture(
            width: columns * (width + 1) + 1, height: rows * (height + 1) + 1, channels: channels, background: 64)
        for index in 0..<count {
            let image = images + index * channels * height * width
            let (top, left) = (index / columns * (height + 1) + 1, index % columns * (width + 1) + 1)
            picture.draw(image, shape: shape, top: top, left: left, range)
        }
        return picture
    }
}

extension Picture {
    /// An image of a shape (channels, height, width).
    init(_ image: [Float], shape: [Int], _ range: SampleGrid.Range) {
        self.init(width: shape[2], height: shape[1], channels: shape[0])
        draw(image, shape: shape, top: 0, left: 0, range)
    }

    /// Draws an image with as many channels.
    fileprivate mutating func draw(
        _ image: UnsafePointer<Float>, shape: [Int], top: Int, left: Int, _ range: SampleGrid.Range
    ) {
        let (height, width) = (shape[1], shape[2])
        for channel in 0..<channels {
            for y in 0..<height {
                for x in 0..<width {
                    pixels[((top + y) * self.width + left + x) * channels + channel] =
                        range.pixel(image[(channel * height + y) * width + x])
                }
            }
        }
    }
}
