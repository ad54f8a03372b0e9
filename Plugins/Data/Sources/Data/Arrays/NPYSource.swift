import LaminaSDK

/// Samples in a NumPy array file, with targets in a second one if there are any.
///
/// Fields: "input" of the array's shape after the first dimension, and "label" int64 for integer targets or "target"
/// float32 for floating-point ones ([1] for one per sample). float16 and float64 become float32, int8, int16 and
/// uint16 int32, uint32 int64; other types stay. Errors: `.file`, `.data`.
public final class NPYSource: Source {
    public static let name = "npy"
    public static let documentation = "Arrays in NumPy's .npy files; the first dimension counts the samples."
    public static let suffixes = ["npy"]
    public static let attributes: [AttributeSchema] = [
        .path("path", "The array of the inputs."),
        .path("targets", optional: true, "The array of the labels (integers) or targets (floats), one per sample."),
        .classes,
    ]

    private let table: ColumnTable
    public var description: SourceDescription { table.description }

    public init(_ attributes: Attributes, host: Host) throws {
        let inputs = try NPYFile.open(attributes.string("path"))
        table = try ColumnTable(
            inputs.column("input"), of: inputs, target: attributes.optionalString("targets").map(NPYFile.open),
            classes: attributes.optionalStrings("classes") ?? [], host: host)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try table.read(indices, into: outputs)
    }
}
