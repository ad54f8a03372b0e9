import Foundation
import LaminaFormats
import Testing

/// The tensors of a safetensors file by name, as numbers.
struct TensorFile {
    struct Tensor: Equatable {
        let dtype: Safetensors.DType
        let shape: [Int]
        let bytes: [UInt8]

        var floats: [Float] { elements() }
        var doubles: [Double] { dtype == .f32 ? floats.map(Double.init) : elements() }
        var integers: [Int64] { elements() }

        private func elements<Element>() -> [Element] {
            precondition(dtype.size == MemoryLayout<Element>.size, "elements of \(dtype)")
            return bytes.withUnsafeBytes { raw in
                (0..<raw.count / MemoryLayout<Element>.size).map {
                    raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)
                }
            }
        }

        /// The largest magnitude; 0 without elements.
        var magnitude: Double { doubles.map(abs).max() ?? 0 }
    }

    let tensors: [String: Tensor]
    let metadata: JSONObject

    init(_ path: String) throws { self.init(try SafetensorsFile(path: path)) }

    /// A whole file in memory.
    init(bytes: [UInt8]) throws {
        // The parser borrows; everything is copied before the bytes go away.
        self = try bytes.withUnsafeBytes { TensorFile(try SafetensorsFile(bytes: $0, owner: nil)) }
    }

    private init(_ file: SafetensorsFile) {
        metadata = file.metadata
        tensors = Dictionary(
            uniqueKeysWithValues: file.tensors.map {
                ($0.name, Tensor(dtype: $0.dtype, shape: $0.shape, bytes: Array(file.bytes(of: $0))))
            })
    }

    subscript(name: String) -> Tensor {
        get throws { try #require(tensors[name], "there is no tensor '\(name)' among \(tensors.keys.sorted())") }
    }

    /// Writes float and integer tensors.
    static func write(
        _ floats: [(name: String, shape: [Int], values: [Float])],
        integers: [(name: String, shape: [Int], values: [Int64])] = [], to path: String
    ) throws {
        let contents =
            integers.map { ($0.name, Safetensors.DType.i64, $0.shape, $0.values.withUnsafeBytes { Array($0) }) }
            + floats.map { ($0.name, Safetensors.DType.f32, $0.shape, $0.values.withUnsafeBytes { Array($0) }) }
        let encoder = try Safetensors.Encoder(contents.map { (name: $0.0, dtype: $0.1, shape: $0.2) })
        var bytes = encoder.prefix
        for tensor in encoder.tensors { bytes += contents.first { $0.0 == tensor.name }!.3 }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}

/// Evenly distributed in [-1, 1) and exact: a 32-bit hash of the position. `Golden/generate.py` computes the same.
func noise(_ count: Int, seed: Int) -> [Float] {
    let start = UInt32(truncatingIfNeeded: seed &* 0x9E37_79B1)
    return (0..<count).map { index in
        var hash = UInt32(truncatingIfNeeded: index) &+ start
        hash = (hash ^ (hash >> 16)) &* 0x21F0_AAAD
        hash = (hash ^ (hash >> 15)) &* 0x735A_2D97
        hash ^= hash >> 15
        return Float(Double(hash >> 8) / 8_388_608 - 1)
    }
}
