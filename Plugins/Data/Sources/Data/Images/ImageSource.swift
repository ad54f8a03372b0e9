import LaminaSDK

/// One PNG or JPEG file as a dataset of one sample: what `lamina predict` gives to a model of images.
///
/// Field: "image" uint8 [channels, height, width]. Colour becomes gray by the luma of ITU-R BT.601 (0.299 R + 0.587 G
/// + 0.114 B), transparent pixels are blended on white, 16-bit samples are scaled to 8. Errors: `.file`, `.data`.
public final class ImageSource: Source {
    public static let name = "image"
    public static let documentation = "One PNG or JPEG file."
    public static let suffixes = ["png", "jpg", "jpeg"]
    public static let attributes: [AttributeSchema] = [
        .path("path", "The image file."),
        .imageChannels,
        .integer("height", default: nil, 1...8192, "Resizes to this height (bilinear); give the width, too."),
        .integer("width", default: nil, 1...8192, "Resizes to this width (bilinear); give the height, too."),
    ]

    private let table: ColumnTable
    public var description: SourceDescription { table.description }

    public init(_ attributes: Attributes, host: Host) throws {
        let path = attributes.string("path")
        let wantedChannels = try attributes.imageChannels()
        let (height, width) = (attributes.optionalInteger("height"), attributes.optionalInteger("width"))
        guard (height == nil) == (width == nil) else {
            throw PluginError.attribute("height and width go together; got one of them for '\(path)'")
        }
        let image = try DecodedImage(path: path, channels: wantedChannels)
        let shape = [image.channels, height ?? image.height, width ?? image.width]
        let memory = try OwnedBytes(count: shape.reduce(1, *), for: "the pixels of '\(path)'")
        image.store(
            height: shape[1], width: shape[2], to: memory.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self))
        let column = Column(
            field: .init("image", .uint8, shape), element: StoredElement(kind: .uint8), count: 1,
            bytes: UnsafeRawBufferPointer(memory.bytes), owner: memory)
        table = ColumnTable([column], host: host)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try table.read(indices, into: outputs)
    }
}

extension AttributeSchema {
    static let imageChannels = AttributeSchema.integer(
        "channels", default: nil, 1...3, "1 (gray) or 3 (RGB), converted; what the file has when left out.")
}

extension Attributes {
    /// 1 or 3, or 0 for what the file has.
    func imageChannels() throws(PluginError) -> Int {
        let channels = optionalInteger("channels")
        guard channels != 2 else { throw .attribute("channels is 2, wanted 1 (gray) or 3 (RGB)") }
        return channels ?? 0
    }
}
