import CLamina
import LaminaSDK

/// Images and labels in two IDX files, as MNIST and its successors ship them.
///
/// Fields: "image" with the file's type and [1, H, W] for a 3-dimensional file, or what follows the first dimension
/// as it is; "label" int64 []. Errors: `.file`, and `.data` for what does not fit together.
public final class IDXSource: Source {
    public static let name = "idx"
    public static let documentation = "Images and labels in IDX files (MNIST, Fashion-MNIST), plain or gzipped."
    public static let attributes: [AttributeSchema] = [
        .path("images", "The IDX file of the inputs; its first dimension counts the samples."),
        .path("labels", optional: true, "The IDX file of the class numbers, one per sample."),
        .classes,
    ]

    private let table: ColumnTable
    public var description: SourceDescription { table.description }

    public init(_ attributes: Attributes, host: Host) throws {
        let classes = attributes.optionalStrings("classes") ?? []
        let images = try IDXFile.open(attributes.string("images"))
        let sample = images.sampleShape
        // Images come without a channel dimension; layers want one.
        let input = images.column("image", shape: sample.count == 2 ? [1] + sample : sample)
        let labels: StoredArray? = try attributes.optionalString("labels").map { path throws(PluginError) in
            let labels = try IDXFile.open(path)
            guard labels.dimensions.count == 1, !labels.element.isFloat else {
                throw .data(
                    "\(labels.label) has \(labels.element.kind) of dimensions \(labels.dimensions), wanted one integer "
                        + "per sample; is it the file of the images?")
            }
            return labels
        }
        table = try ColumnTable(input, of: images, target: labels, classes: classes, host: host)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try table.read(indices, into: outputs)
    }
}

extension AttributeSchema {
    static let classes = AttributeSchema(
        "classes", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "null", count: 1...(1 << 20),
        "Names of the classes, in the order of their numbers.")
}
