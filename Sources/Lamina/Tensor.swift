import Glibc
import LaminaFormats
import LaminaGraph
import LaminaSDK

/// A named tensor in memory of its own, row-major: what goes into a model and what comes out.
public struct NamedTensor: Sendable {
    public let name: String
    public let dtype: DataType
    public let shape: [Int]
    /// Little-endian elements in row-major order.
    public let bytes: [UInt8]

    public init(_ name: String, _ dtype: DataType, _ shape: [Int], bytes: [UInt8]) {
        precondition(
            bytes.count == shape.reduce(dtype.size, *), "\(bytes.count) bytes do not make \(dtype.name) \(shape)")
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.bytes = bytes
    }

    /// A float tensor.
    public init(_ name: String, _ shape: [Int], _ values: [Float]) {
        self.init(name, .float32, shape, bytes: values.withUnsafeBytes { Array($0) })
    }

    /// A tensor of labels or indices.
    public init(_ name: String, _ shape: [Int], _ values: [Int64]) {
        self.init(name, .int64, shape, bytes: values.withUnsafeBytes { Array($0) })
    }

    /// A copy of what a plan holds.
    init(_ name: String, _ tensor: PlannedTensor) {
        let bytes =
            tensor.byteCount == 0 ? [] : Array(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))
        self.init(name, tensor.dtype, tensor.shape, bytes: bytes)
    }

    /// The elements of a tensor of any type as floats.
    var rounded: [Float] {
        switch dtype {
        case .float32: floats
        case .float64: elements(Double.self).map { Float($0) }
        case .int64: elements(Int64.self).map { Float($0) }
        case .int32: elements(Int32.self).map { Float($0) }
        case .uint8, .bool: bytes.map { Float($0) }
        }
    }

    /// The elements of a tensor of any type as JSON, exactly.
    public var json: [JSON] {
        switch dtype {
        case .float32: floats.map { .number(Double($0)) }
        case .float64: elements(Double.self).map { .number($0) }
        case .int64: elements(Int64.self).map { .integer($0) }
        case .int32: elements(Int32.self).map { .integer(Int64($0)) }
        case .uint8: bytes.map { .integer(Int64($0)) }
        case .bool: bytes.map { .bool($0 != 0) }
        }
    }

    /// The elements of a tensor of any type as texts, the shortest that stand for them.
    public var texts: [String] {
        switch dtype {
        case .float32: floats.map(\.description)
        case .float64: elements(Double.self).map(\.description)
        case .int64: elements(Int64.self).map(\.description)
        case .int32: elements(Int32.self).map(\.description)
        case .uint8: bytes.map(\.description)
        case .bool: bytes.map { $0 != 0 ? "true" : "false" }
        }
    }

    private func elements<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
        bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Element.self)
            }
        }
    }

    /// The elements of a float tensor.
    public var floats: [Float] {
        precondition(dtype == .float32, "'\(name)' is \(dtype.name)")
        return [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            count = bytes.count / 4
        }
    }
}

extension DataType {
    /// The type in a safetensors file.
    public var safetensors: Safetensors.DType {
        switch self {
        case .float32: .f32
        case .float64: .f64
        case .int64: .i64
        case .int32: .i32
        case .uint8: .u8
        case .bool: .bool
        }
    }

    public init?(_ dtype: Safetensors.DType) {
        guard let match = DataType.allCases.first(where: { $0.safetensors == dtype }) else { return nil }
        self = match
    }
}

/// Tensors in safetensors files.
public enum TensorFile {
    /// Reads every tensor of a file.
    public static func read(_ path: String) throws(LaminaError) -> [NamedTensor] {
        try sorted {
            let file = try open(path)
            return try file.tensors.map { tensor in
                guard let dtype = DataType(tensor.dtype) else {
                    throw LaminaError(
                        .data,
                        "\(path): tensor '\(tensor.name)' has type \(tensor.dtype.rawValue), wanted "
                            + DataType.allCases.map(\.safetensors.rawValue).joined(separator: ", "))
                }
                return NamedTensor(tensor.name, dtype, tensor.shape, bytes: Array(file.bytes(of: tensor)))
            }
        }
    }

    private static func open(_ path: String) throws -> SafetensorsFile {
        do {
            return try SafetensorsFile(path: path)
        } catch let error as SafetensorsError {
            throw LaminaError(.data, "\(path): \(error)")
        }
    }

    /// Writes tensors; the file appears whole or not at all.
    public static func write(_ tensors: [NamedTensor], to path: String) throws(LaminaError) {
        try sorted {
            try withSources(tensors) { try Safetensors.write($0, path: path) }
        }
    }

    static func withSources<Result>(
        _ tensors: [NamedTensor], _ body: ([Safetensors.Source]) throws -> Result
    ) rethrows -> Result {
        // Arrays of bytes have no address that outlives a call: copy them side by side for its duration.
        let total = tensors.reduce(0) { $0 + ($1.bytes.count + 63) / 64 * 64 }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(total, 64), alignment: 64)
        defer { memory.deallocate() }
        var offset = 0
        let sources = tensors.map { tensor in
            let part = UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + tensor.bytes.count])
            part.copyBytes(from: tensor.bytes)
            offset += (tensor.bytes.count + 63) / 64 * 64
            return Safetensors.Source(
                name: tensor.name, dtype: tensor.dtype.safetensors, shape: tensor.shape,
                bytes: UnsafeRawBufferPointer(part))
        }
        return try body(sources)
    }
}
