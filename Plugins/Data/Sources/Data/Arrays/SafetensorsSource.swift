import CLamina
import LaminaFormats
import LaminaSDK

/// Samples in a safetensors file: one tensor of inputs, and one of targets if there is any.
///
/// Fields and conversions as in `NPYSource`; bfloat16 becomes float32, too. Errors: `.file`, `.data`.
public final class SafetensorsSource: Source {
    public static let name = "safetensors"
    public static let documentation = "Tensors in a safetensors file; the first dimension counts the samples."
    public static let suffixes = ["safetensors"]
    public static let attributes: [AttributeSchema] = [
        .path("path", "The safetensors file."),
        .init(
            "input", types: LAMINA_ATTRIBUTE_STRING, defaultJSON: "null",
            "The tensor of the inputs; when left out, the one called 'input', or the only one."),
        .init(
            "target", types: LAMINA_ATTRIBUTE_STRING, defaultJSON: "null",
            "The tensor of the labels (integers) or targets (floats), one per sample."),
        .classes,
    ]

    private let table: ColumnTable
    public var description: SourceDescription { table.description }

    public init(_ attributes: Attributes, host: Host) throws {
        let path = attributes.string("path")
        let file: SafetensorsFile
        do {
            file = try SafetensorsFile(path: path)
        } catch let error as FileError {
            throw PluginError.file("\(error)")
        } catch {
            throw PluginError.data("'\(path)': \(error)")
        }
        let inputName = attributes.optionalString("input")
        let input = try Self.array(inputName ?? Self.inputName(file), of: file, path: path)
        let target = try attributes.optionalString("target").map { try Self.array($0, of: file, path: path) }
        table = try ColumnTable(
            input.column("input"), of: input, target: target,
            classes: attributes.optionalStrings("classes") ?? [], host: host)
    }

    public func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try table.read(indices, into: outputs)
    }

    private static func inputName(_ file: SafetensorsFile) -> String {
        file.tensors.count == 1 ? file.tensors[0].name : "input"
    }

    private static let kinds: [Safetensors.DType: StoredElement.Kind] = [
        .bool: .bool, .u8: .uint8, .i8: .int8, .u16: .uint16, .i16: .int16, .u32: .uint32, .i32: .int32, .i64: .int64,
        .f16: .float16, .bf16: .bfloat16, .f32: .float32, .f64: .float64,
    ]

    private static func array(
        _ name: String, of file: SafetensorsFile, path: String
    ) throws(PluginError) -> StoredArray {
        guard let tensor = file.tensor(name) else {
            let names = file.tensors.map(\.name).sorted()
            let some = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 8 ? ", …" : "")
            throw .data("'\(path)' has no tensor '\(name)'; it has \(names.isEmpty ? "none" : some)")
        }
        let label = "tensor '\(name)' of '\(path)'"
        guard let kind = kinds[tensor.dtype] else {
            throw .data("\(label): element type \(tensor.dtype.rawValue) is not read; convert it to I64")
        }
        let element = StoredElement(kind: kind)
        _ = try StoredArray.byteCount(element, tensor.shape, label: label)
        return StoredArray(
            label: label, element: element, dimensions: tensor.shape, bytes: file.bytes(of: tensor), owner: file)
    }
}
