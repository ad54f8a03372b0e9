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
        .init(
            "classes", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "null", count: 1...(1 << 20),
            "Names of the classes, in the order of their numbers."),
    ]

    private let table: ColumnTable
    public var description: SourceDescription { table.description }

    public init(_ attributes: Attributes, host: Host) throws {
        let classes = attributes.optionalStrings("classes") ?? []
        let images = try IDXFile(path: attributes.string("images"))
        var columns = [try Self.imageColumn(images)]
        if let path = attributes.optionalString("labels") {
            let labels = try Self.labelColumn(IDXFile(path: path), classes: classes)
            guard labels.count == columns[0].count else {
                throw PluginError.data(
                    "'\(path)' has \(labels.count) labels, '\(images.path)' has \(columns[0].count) samples; give files "
                        + "that belong together")
            }
            columns.append(labels)
        }
        table = ColumnTable(columns, classes: classes, host: host)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: [Tensor]) throws {
        try table.read(indices, into: outputs)
    }

    private static func imageColumn(_ file: IDXFile) throws(PluginError) -> Column {
        let sample = Array(file.dimensions.dropFirst())
        // Images come without a channel dimension; layers want one.
        let shape = sample.count == 2 ? [1] + sample : sample
        return Column(
            field: .init("image", file.element.natural, shape), element: file.element, count: file.dimensions[0],
            bytes: file.bytes, owner: file.owner)
    }

    private static func labelColumn(_ file: IDXFile, classes: [String]) throws(PluginError) -> Column {
        guard file.dimensions.count == 1, !file.element.isFloat else {
            throw .data(
                "'\(file.path)' has \(file.element.kind) of dimensions \(file.dimensions), wanted one integer per "
                    + "sample; is it the file of the images?")
        }
        let column = Column(
            field: .init("label", .int64, []), element: file.element, count: file.dimensions[0], bytes: file.bytes,
            owner: file.owner)
        if !classes.isEmpty { try column.checkLabels(classCount: classes.count, path: file.path) }
        return column
    }
}

extension Column {
    /// Checks that every label counts one of the classes.
    func checkLabels(classCount: Int, path: String) throws(PluginError) {
        for index in 0..<count {
            let label = integer(at: index)
            guard label >= 0, label < classCount else {
                throw .data(
                    "'\(path)': label \(label) of sample \(index) is not below the number of classes, \(classCount)")
            }
        }
    }
}
