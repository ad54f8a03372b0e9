import CImage
import Glibc
import LaminaSDK

/// 8-bit pixels of a PNG or JPEG file, row by row, the channels of a pixel side by side.
struct DecodedImage: ~Copyable {
    let pixels: UnsafeMutablePointer<UInt8>
    let height: Int
    let width: Int
    let channels: Int

    /// Reads and decodes the file; `channels` is 1, 3 or 0 for what the file has. Throws `.file` or `.data`.
    init(path: String, channels: Int) throws(PluginError) {
        let file = try InputFile.read(path)
        try self.init(
            UnsafeRawBufferPointer(start: file.bytes, count: file.count), channels: channels, name: path)
    }

    init(_ bytes: UnsafeRawBufferPointer, channels: Int, name: String) throws(PluginError) {
        var image = cimage()
        let status = cimage_decode(
            bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, Int32(channels), &image)
        guard status == 0 else {
            let reason = withUnsafeBytes(of: image.error) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw .data("cannot decode '\(name)': \(reason)")
        }
        pixels = image.pixels
        (height, width, self.channels) = (Int(image.height), Int(image.width), Int(image.channels))
    }

    deinit { free(pixels) }

    /// Writes [channels, height, width] to `output`, resized if the size differs.
    func store(height outHeight: Int, width outWidth: Int, to output: UnsafeMutablePointer<UInt8>) {
        for channel in 0..<channels {
            let plane = output + channel * outHeight * outWidth
            if outHeight == height, outWidth == width {
                let from = pixels + channel
                for i in 0..<(height * width) { plane[i] = from[i * channels] }
            } else {
                Resampling.bilinear(
                    from: pixels + channel, height: height, width: width, pixelStride: channels, to: plane,
                    height: outHeight, width: outWidth)
            }
        }
    }
}
