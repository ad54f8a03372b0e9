/// A safetensors file in memory: names, types and shapes, with pointers straight into the mapping.
///
/// ```swift
/// let file = try SafetensorsFile(path: "model.safetensors")
/// for tensor in file.tensors { print(tensor.name, tensor.dtype, tensor.shape, file.bytes(of: tensor).count) }
/// ```
public final class SafetensorsFile: Sendable {
    public let header: Safetensors.Header
    /// Keeps the bytes alive; nil when the caller does.
    private let mapping: FileMapping?
    private let data: Data
    private let positions: [JSONKey: Int]

    /// A raw buffer that is only ever read, and so safe to share.
    private struct Data: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer
    }

    /// Maps the file at `path` and checks it. Throws `FileError` or `SafetensorsError`.
    public convenience init(path: String) throws {
        let mapping = try FileMapping(path: path)
        try self.init(mapping, range: 0..<mapping.bytes.count)
    }

    /// Views a part of a mapping, such as an entry of an archive. Throws `SafetensorsError`.
    public init(_ mapping: FileMapping, range: Range<Int>) throws(SafetensorsError) {
        (header, data, positions) = try Self.view(UnsafeRawBufferPointer(rebasing: mapping.bytes[range]))
        self.mapping = mapping
    }

    /// Views bytes that the caller keeps alive and unchanged for as long as this object lives. Throws `SafetensorsError`.
    public init(unownedBytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
        (header, data, positions) = try Self.view(unownedBytes)
        mapping = nil
    }

    private static func view(
        _ file: UnsafeRawBufferPointer
    ) throws(SafetensorsError) -> (Safetensors.Header, Data, [JSONKey: Int]) {
        let header = try Safetensors.Header(file: file)
        var positions = [JSONKey: Int](minimumCapacity: header.tensors.count)
        for (position, tensor) in header.tensors.enumerated() { positions[JSONKey(tensor.name)] = position }
        return (header, Data(bytes: UnsafeRawBufferPointer(rebasing: file[header.dataStart...])), positions)
    }

    /// The tensors in the order of their bytes.
    public var tensors: [Safetensors.Tensor] { header.tensors }

    /// The texts of `__metadata__`.
    public var metadata: JSONObject { header.metadata }

    /// The tensor with this name, or nil.
    public func tensor(_ name: String) -> Safetensors.Tensor? { positions[JSONKey(name)].map { header.tensors[$0] } }

    /// The bytes of a tensor of this file, row-major and little-endian; valid while this object lives.
    ///
    /// They begin on `Safetensors.alignment` only for the first tensor of a file that we wrote. In other files they may
    /// even begin between multiples of the element size: load them unaligned, or copy.
    public func bytes(of tensor: Safetensors.Tensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: data.bytes[tensor.range])
    }

    /// The bytes of the tensor with this name, or nil.
    public func bytes(_ name: String) -> UnsafeRawBufferPointer? { tensor(name).map(bytes(of:)) }
}
