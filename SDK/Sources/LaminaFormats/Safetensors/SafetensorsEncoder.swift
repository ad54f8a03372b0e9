extension Safetensors {
    /// The layout of a file to be written: its header's bytes and the place of every tensor.
    ///
    /// The form is canonical: one list of tensors gives exactly one file. The header is compact JSON, `__metadata__`
    /// first, padded with spaces so that the tensor data begins on `alignment`. Tensors keep their order, unless that
    /// would place one off the multiples of its element size; then all are sorted by element size, largest first,
    /// and otherwise stay in order.
    public struct Encoder: Sendable {
        /// The tensors in the order of their bytes.
        public let tensors: [Tensor]
        /// The length field and the header.
        public let prefix: [UInt8]
        /// The length of the whole file.
        public let byteCount: Int

        /// Lays out tensors given by name, dtype and shape.
        /// - Throws: `SafetensorsError` for a name that stands twice or is reserved, and for what a reader refuses.
        public init(
            _ list: [(name: String, dtype: DType, shape: [Int])], metadata: [(String, String)] = []
        ) throws(SafetensorsError) {
            tensors = try Self.place(list)
            var texts = JSONObject()
            for (key, text) in metadata {
                guard texts.append(key, .string(text)) else {
                    throw SafetensorsError(.name, "the metadata key \(quoted(key)) stands twice")
                }
            }
            var header = JSONObject()
            if !texts.isEmpty { header["__metadata__"] = .object(texts) }
            for tensor in tensors {
                let entry: JSON = [
                    "dtype": .string(tensor.dtype.rawValue),
                    "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                    "data_offsets": [
                        .integer(Int64(tensor.range.lowerBound)), .integer(Int64(tensor.range.upperBound)),
                    ],
                ]
                guard tensor.name != "__metadata__", header.append(tensor.name, entry) else {
                    throw SafetensorsError(.name, "the name \(quoted(tensor.name)) is reserved or stands twice")
                }
            }
            var text = JSON.object(header).bytes()
            let padding = (alignment - (8 + text.count) % alignment) % alignment
            text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
            guard text.count <= headerLimit else {
                throw SafetensorsError(
                    .headerLimit, "the header has \(text.count) bytes, at most \(headerLimit) are allowed")
            }
            prefix = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
            byteCount = prefix.count + (tensors.last?.range.upperBound ?? 0)
        }

        private static func place(
            _ list: [(name: String, dtype: DType, shape: [Int])]
        ) throws(SafetensorsError) -> [Tensor] {
            var (tensors, isAligned) = try placeInOrder(list)
            if !isAligned {
                // A stable sort. Sizes are powers of two, so that descending sizes are always aligned.
                (tensors, isAligned) = try placeInOrder(list.sorted { $0.dtype.size > $1.dtype.size })
            }
            return tensors
        }

        private static func placeInOrder(
            _ list: [(name: String, dtype: DType, shape: [Int])]
        ) throws(SafetensorsError) -> ([Tensor], isAligned: Bool) {
            var tensors: [Tensor] = []
            tensors.reserveCapacity(list.count)
            var isAligned = true
            var end = 0
            for (name, dtype, shape) in list {
                guard let count = Safetensors.byteCount(dtype, shape),
                    case (let sum, let overflow) = end.addingReportingOverflow(count),
                    !overflow
                else {
                    throw SafetensorsError(
                        .shape,
                        "tensor \(quoted(name)): shape \(shape) is out of bounds (at most \(rankLimit) dimensions, "
                            + "none negative)")
                }
                isAligned = isAligned && end % dtype.size == 0
                tensors.append(Tensor(name: name, dtype: dtype, shape: shape, range: end..<sum))
                end = sum
            }
            return (tensors, isAligned)
        }

        /// Delivers the file in pieces, front to back; `data` gives the bytes of each tensor, and is asked in order.
        /// - Throws: `SafetensorsError` (kind `data`) when a source has not exactly its tensor's bytes; what the
        ///   closures throw.
        public func write(
            _ data: (Tensor) throws -> UnsafeRawBufferPointer, to sink: (UnsafeRawBufferPointer) throws -> Void
        ) throws {
            try prefix.withUnsafeBytes { try sink($0) }
            for tensor in tensors {
                let bytes = try data(tensor)
                guard bytes.count == tensor.range.count else {
                    throw SafetensorsError(
                        .data,
                        "tensor \(quoted(tensor.name)) takes \(tensor.range.count) bytes, its source has \(bytes.count)"
                    )
                }
                if !bytes.isEmpty { try sink(bytes) }
            }
        }
    }
}
