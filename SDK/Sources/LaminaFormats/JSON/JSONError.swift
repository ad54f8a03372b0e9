/// Why a JSON text or value was refused: one line that says where, what was found, and what was wanted.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The class of the fault.
    public enum Kind: Sendable {
        /// The text is not JSON (RFC 8259), or has a byte-order mark or trailing data.
        case syntax
        /// The text is not valid UTF-8, or an escape names a lone surrogate.
        case encoding
        /// A key stands twice in one object.
        case duplicateKey
        /// A number cannot be represented: beyond `Int64`, or beyond the finite doubles.
        case number
        /// Too deep, too long, or too many values.
        case limit
        /// A key that the reader does not know.
        case unknownKey
        /// A key that must be there is not.
        case missingKey
        /// A value of another type than wanted.
        case wrongType
        /// A value of the right type that is not allowed here.
        case wrongValue
    }

    public let kind: Kind
    /// What is wrong, without the place.
    public let message: String
    /// The place in the text, for faults of the text.
    public let position: Position?
    /// The place in the value (`manifest.files[3].size`), for faults of the content.
    public let path: String?

    /// A place in a text. Lines and columns count from 1; a column counts scalars, the offset bytes.
    public struct Position: Equatable, Sendable {
        public let offset: Int
        public let line: Int
        public let column: Int

        init(offset: Int, in text: UnsafeBufferPointer<UInt8>) {
            var line = 1
            var column = 1
            for byte in text.prefix(offset) {
                if byte == UInt8(ascii: "\n") {
                    line += 1
                    column = 1
                } else if byte & 0xC0 != 0x80 {
                    column += 1
                }
            }
            self.offset = offset
            self.line = line
            self.column = column
        }
    }

    init(_ kind: Kind, _ message: String, at position: Position) {
        self.kind = kind
        self.message = message
        self.position = position
        self.path = nil
    }

    /// A fault of content: `path` says which value.
    public init(_ kind: Kind, _ message: String, path: String) {
        self.kind = kind
        self.message = message
        self.position = nil
        self.path = path
    }

    public var description: String {
        if let position {
            return "line \(position.line), column \(position.column) (byte \(position.offset)): \(message)"
        }
        if let path, !path.isEmpty { return "\(path): \(message)" }
        return message
    }
}
