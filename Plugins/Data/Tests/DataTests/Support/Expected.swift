import LaminaFormats

/// The arrays that `Golden/generate.py` wrote.
struct Expected {
    private let bytes: [UInt8]
    private let header: Safetensors.Header

    init(_ name: String) throws {
        bytes = golden(name)
        header = try bytes.withUnsafeBytes { try Safetensors.Header(file: $0) }
    }

    func tensor(_ name: String) -> Safetensors.Tensor { header.tensors.first { $0.name == name }! }

    func array<Element: BitwiseCopyable>(_ name: String) -> [Element] {
        let tensor = tensor(name)
        return bytes.withUnsafeBytes { bytes in
            (0..<tensor.elementCount).map {
                bytes.loadUnaligned(
                    fromByteOffset: header.dataStart + tensor.range.lowerBound + $0 * MemoryLayout<Element>.size,
                    as: Element.self)
            }
        }
    }
}
