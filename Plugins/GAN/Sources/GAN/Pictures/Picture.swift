import CLibPNG
import LaminaSDK

/// Pixels of 8 bits, grey or RGB, row by row.
struct Picture {
    let width: Int
    let height: Int
    let channels: Int
    var pixels: [UInt8]

    init(width: Int, height: Int, channels: Int, background: UInt8 = 255) {
        (self.width, self.height, self.channels) = (width, height, channels)
        pixels = [UInt8](repeating: background, count: width * height * channels)
    }

    /// The content of a PNG file.
    func png() throws -> [UInt8] {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        image.format = channels == 3 ? png_uint_32(PNG_FORMAT_RGB) : png_uint_32(PNG_FORMAT_GRAY)
        defer { png_image_free(&image) }
        var size = 0
        guard png_image_write_to_memory(&image, nil, &size, 0, pixels, 0, nil) != 0 else { throw Self.fault(image) }
        var bytes = [UInt8](repeating: 0, count: size)
        guard png_image_write_to_memory(&image, &bytes, &size, 0, pixels, 0, nil) != 0 else { throw Self.fault(image) }
        return Array(bytes.prefix(size))
    }

    private static func fault(_ image: png_image) -> PluginError {
        let text = withUnsafeBytes(of: image.message) { message in
            String(decoding: message.prefix { byte in byte != 0 }, as: UTF8.self)
        }
        return .data("a PNG picture could not be made: \(text)")
    }
}
