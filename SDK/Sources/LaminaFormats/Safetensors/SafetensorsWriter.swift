extension Safetensors {
    /// A tensor to be written. The bytes are borrowed: the caller keeps them alive until the write is done.
    public struct Source {
        public let name: String
        public let dtype: DType
        public let shape: [Int]
        /// The elements, row-major and little-endian.
        public let bytes: UnsafeRawBufferPointer

        public init(name: String, dtype: DType, shape: [Int], bytes: UnsafeRawBufferPointer) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
            self.bytes = bytes
        }
    }

    /// Delivers a file in pieces, front to back; see `Encoder` for its form.
    /// - Throws: `SafetensorsError`, and what `sink` throws.
    public static func write(
        _ sources: [Source], metadata: [(String, String)] = [], to sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let encoder = try Encoder(sources.map { ($0.name, $0.dtype, $0.shape) }, metadata: metadata)
        var bytes = [JSONKey: UnsafeRawBufferPointer](minimumCapacity: sources.count)
        for source in sources { bytes[JSONKey(source.name)] = source.bytes }
        try encoder.write({ bytes[JSONKey($0.name)]! }, to: sink)
    }

    /// Writes a file at the position of a descriptor. Throws `SafetensorsError` or `FileError`.
    public static func write(_ sources: [Source], metadata: [(String, String)] = [], to descriptor: Int32) throws {
        try write(sources, metadata: metadata) {
            try FileBytes.write($0, to: descriptor, path: "descriptor \(descriptor)")
        }
    }

    /// Writes the file at `path`, which is replaced only when the new one is complete (see `AtomicFile`).
    /// - Throws: `SafetensorsError` or `FileError`.
    public static func write(_ sources: [Source], metadata: [(String, String)] = [], path: String) throws {
        let file = try AtomicFile(replacing: path)
        try write(sources, metadata: metadata) { try file.write($0) }
        try file.commit()
    }

    /// The bytes of a file. Throws `SafetensorsError`.
    public static func bytes(of sources: [Source], metadata: [(String, String)] = []) throws -> [UInt8] {
        var result: [UInt8] = []
        try write(sources, metadata: metadata) { result.append(contentsOf: $0) }
        return result
    }
}
