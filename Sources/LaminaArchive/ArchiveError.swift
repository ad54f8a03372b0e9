import LaminaFormats

/// Why an archive was refused or could not be written: one line that says what, where, got, wanted, and what to do.
public struct ArchiveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The class of the fault.
    public enum Kind: String, Sendable {
        /// The system refused: no such file, no permission, disk full, …
        case file
        /// The file is no zip archive at all.
        case notAnArchive
        /// A zip archive whose structure is not the canonical form.
        case structure
        /// An entry whose name is not allowed, or that collides with another.
        case name
        /// A format version or feature that this program does not know.
        case format
        /// The manifest, or another JSON entry, is not what it must be.
        case manifest
        /// An entry that must be there is not, or one that must not.
        case missing
        /// The content of an entry is not what header or manifest say: size, CRC, hash, tensors.
        case content
        /// The base of a delta has other values than the delta was made from.
        case base
        /// Beyond a limit, such as the memory for inflating.
        case limit
    }

    public let kind: Kind
    /// The archive's path, when it has one.
    public var file: String?
    /// The entry or byte offset at fault.
    public let place: String?
    public let message: String

    public init(_ kind: Kind, _ message: String, at place: String? = nil, file: String? = nil) {
        self.kind = kind
        self.message = message
        self.place = place
        self.file = file
    }

    init(_ error: FileError) { self.init(.file, error.description) }

    public var description: String { [file, place, message].compactMap(\.self).joined(separator: ": ") }

    func inFile(_ path: String) -> ArchiveError {
        var error = self
        // A system's message names its path already.
        if kind != .file { error.file = file ?? path }
        return error
    }
}

/// Bytes from a file as a message may show them: printable ASCII as it is, the rest escaped, cut to 80 characters.
func printable(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
        if text.utf8.count >= 80 { return "'\(text)…'" }
        if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "'") {
            text.unicodeScalars.append(UnicodeScalar(byte))
        } else {
            text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
    return "'\(text)'"
}
