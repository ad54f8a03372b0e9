/// A safetensors file in memory: names, types and shapes, with pointers straight into the mapping.
///
/// ```swift
/// let file = try SafetensorsFile(path: "model.safetensors")
/// for tensor in file.tensors { print(tensor.name, tensor.dtype, tensor.shape, file.bytes(of: tensor).count) }
/// ```
public final class SafetensorsFile: Sendable {
    public let header: Safetensors.Header
    /// Keeps the bytes alive; nil when the caller does.
    private let owner: (any AnyObject & Sendable)?
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

    /// Views a part of a mapping. Throws `SafetensorsError`.
    public convenience init(_ mapping: FileMapping, range: Range<Int>) throws(SafetensorsError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= mapping.bytes.count, "outside the mapping")
        try self.init(bytes: UnsafeRawBufferPointer(rebasing: mapping.bytes[range]), owner: mapping)
    }

    /// Views the bytes of a whole file in memory, such as an entry of an archive.
    ///
    /// The bytes must stay unchanged; `owner`, whose life they share, is kept. With nil the caller keeps them alive.
    /// - Throws: `SafetensorsError`.
    public init(bytes: UnsafeRawBufferPointer, owner: (any AnyObject & Sendable)?) throws(SafetensorsError) {
        header = try Safetensors.Header(file: bytes)
        var positions = [JSONKey: Int](minimumCapacity: header.tensors.count)
        for (position, tensor) in header.tensors.enumerated() { positions[JSONKey(tensor.name)] = position }
        self.positions = positions
        data = Data(bytes: UnsafeRawBufferPointer(rebasing: bytes[header.dataStart...]))
        self.owner = owner
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
        precondition(tensor.range.upperBound <= data.bytes.count, "a tensor of another file")
        return UnsafeRawBufferPointer(rebasing: data.bytes[tensor.range])
    }

    /// The bytes of the tensor with this name, or nil.
    public func bytes(_ name: String) -> UnsafeRawBufferPointer? { tensor(name).map(bytes(of:)) }
}
