import CLamina
import LaminaSDK

/// Images in one folder per class, decoded when they are read, on all threads of the host.
///
/// Fields: "image" uint8 [channels, height, width], "label" int64 []; the classes are the folders' names, sorted.
/// Pixels as in `ImageSource`. The fingerprint covers names and sizes of the files, not their content, which may be
/// larger than memory. Errors: `.file`, and `.data` that names the image.
public final class ImageFolderSource: Source {
    public static let name = "image_folder"
    public static let documentation = "PNG and JPEG files in one folder per class."
    public static let attributes: [AttributeSchema] = [
        .path("path", "The folder; each folder in it is a class."),
        .init(
            "channels", types: LAMINA_ATTRIBUTE_INTEGER, defaultJSON: "null", range: 1...3,
            "1 (gray) or 3 (RGB), converted; what the first image has when left out."),
        .init(
            "size", types: LAMINA_ATTRIBUTE_INTEGERS, defaultJSON: "null", range: 1...8192, count: 1...2,
            "Height and width, or one number for both, that images are resized to (bilinear); when left out, all must "
                + "have the first image's size."),
    ]

    public let description: SourceDescription
    private let folder: ClassFolder
    private let host: Host
    private let isResizing: Bool
    private let channels: Int
    private let height: Int
    private let width: Int

    public init(_ attributes: Attributes, host: Host) throws {
        let path = attributes.string("path")
        let wantedChannels = try attributes.imageChannels()
        let size = attributes.optionalIntegers("size")
        folder = try ClassFolder(path: path, suffixes: ImageSource.suffixes, content: "images")
        let first = try DecodedImage(path: folder.entries[0].path, channels: wantedChannels)
        self.host = host
        isResizing = size != nil
        channels = first.channels
        (height, width) = size.map { ($0[0], $0.last!) } ?? (first.height, first.width)

        var fingerprint = Fingerprint()
        for entry in folder.entries {
            fingerprint.add(String(entry.path.dropFirst(path.count)))
            fingerprint.add(entry.byteCount)
        }
        description = SourceDescription(
            count: folder.entries.count,
            fields: [.init("image", .uint8, [channels, height, width]), .init("label", .int64, [])],
            classes: folder.classes, fingerprint: fingerprint.finish())
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try checkIndices(indices, count: folder.entries.count)
        let (images, labels) = (outputs[0], outputs[1])
        let size = channels * height * width
        // A slot per sample, so that the first bad image is the one reported, whatever thread met it.
        let failures = UnsafeMutableBufferPointer<PluginError?>.allocate(capacity: indices.count)
        failures.initialize(repeating: nil)
        defer {
            failures.deinitialize()
            failures.deallocate()
        }
        host.parallelFor(indices.count, grain: 1) { begin, end in
            for position in begin..<end {
                let entry = folder.entries[Int(indices[position])]
                labels.int64s[position] = Int64(entry.label)
                do throws(PluginError) {
                    try decode(entry, to: images.uint8s + position * size)
                } catch {
                    failures[position] = error
                }
            }
        }
        if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
    }

    private func decode(_ entry: ClassFolder.Entry, to output: UnsafeMutablePointer<UInt8>) throws(PluginError) {
        let image = try DecodedImage(path: entry.path, channels: channels)
        guard isResizing || (image.height == height && image.width == width) else {
            throw .data(
                "'\(entry.path)' is \(image.height) × \(image.width) (height × width), the first image is \(height) × "
                    + "\(width); set size: [\(height), \(width)]")
        }
        image.store(height: height, width: width, to: output)
    }
}
