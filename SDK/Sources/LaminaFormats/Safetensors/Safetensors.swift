/// The safetensors format: a length, a JSON header, and the bytes of the tensors.
///
/// ```
/// 8 bytes           n, little-endian
/// n bytes           {"__metadata__": {"key": "text"},
///                    "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
/// to the end        tensor data, row-major, little-endian; offsets count from here
/// ```
/// Source: https://github.com/huggingface/safetensors (format section of its README), narrowed by what `Header` checks.
public enum Safetensors {
    /// The largest header that is read or written, in bytes.
    public static let headerLimit = 16 << 20
    /// The largest number of dimensions.
    public static let rankLimit = 8
    /// What the start of the tensor data is a multiple of in files that we write.
    public static let alignment = 64

    /// The element types, named as in the header.
    public enum DType: String, Sendable, CaseIterable {
        case bool = "BOOL"
        case u8 = "U8"
        case i8 = "I8"
        case i16 = "I16"
        case u16 = "U16"
        case f16 = "F16"
        case bf16 = "BF16"
        case i32 = "I32"
        case u32 = "U32"
        case f32 = "F32"
        case i64 = "I64"
        case u64 = "U64"
        case f64 = "F64"

        /// Bytes per element.
        public var size: Int {
            switch self {
            case .bool, .u8, .i8: 1
            case .i16, .u16, .f16, .bf16: 2
            case .i32, .u32, .f32: 4
            case .i64, .u64, .f64: 8
            }
        }
    }

    /// A tensor as the header describes it.
    public struct Tensor: Sendable, Equatable {
        public let name: String
        public let dtype: DType
        /// The dimensions, outermost first; empty for a scalar.
        public let shape: [Int]
        /// Where its bytes lie, counted from the start of the tensor data.
        public let range: Range<Int>

        /// How many elements it has: the product of its shape.
        public var elementCount: Int { range.count / dtype.size }

        public static func == (left: Tensor, right: Tensor) -> Bool {
            sameBytes(left.name, right.name) && left.dtype == right.dtype && left.shape == right.shape
                && left.range == right.range
        }
    }

    /// The bytes that a tensor takes, or nil when the rank or a product is out of bounds.
    static func byteCount(_ dtype: DType, _ shape: [Int]) -> Int? {
        guard shape.count <= rankLimit else { return nil }
        var count = dtype.size
        // A zero dimension must not hide an overflow in the others, which other readers may multiply first.
        var countWithoutZeros = dtype.size
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            count = dimension == 0 ? 0 : count
            let (product, overflow) = countWithoutZeros.multipliedReportingOverflow(by: max(dimension, 1))
            guard !overflow else { return nil }
            countWithoutZeros = product
        }
        return count == 0 ? 0 : countWithoutZeros
    }
}

extension Safetensors.DType: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        let name = try String(json: json, at: path)
        guard let dtype = Self(rawValue: name) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw JSONError(.wrongValue, "unknown dtype \(quoted(name)); known are \(known)", path: path)
        }
        self = dtype
    }
}

/// Why a safetensors file or a list of tensors was refused.
public struct SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The class of the fault.
    public enum Kind: Sendable {
        /// The file ends before the header or the tensor data does, or goes on after it.
        case length
        /// The header is beyond `headerLimit`.
        case headerLimit
        /// The header is no strict JSON of the wanted form.
        case header
        /// A dtype that is not known.
        case dtype
        /// Rank, negative dimension, or a product beyond 63 bits.
        case shape
        /// Offsets that disagree with the shape, overlap, leave a hole, or lie outside the file.
        case offsets
        /// A name that stands twice or is reserved.
        case name
        /// A source delivered more or fewer bytes than its tensor has.
        case data
    }

    public let kind: Kind
    public let message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { "safetensors: \(message)" }
}
