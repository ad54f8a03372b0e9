import LaminaFormats

/// The content of `format.json`: which version of the format the archive is written in, and what it takes to read it.
///
/// A reader accepts every minor of its major. A minor adds only what an older reader may leave unread, under the
/// manifest's `extensions`; whatever it must not leave unread is a feature named in `requires`.
public struct ArchiveFormat: Equatable, Sendable {
    public static let major = 1
    public static let minor = 1
    /// Since 1.1: the archive holds only what differs from another, which the manifest's `base` names.
    public static let base = "base"
    /// The features that this program understands. Version 1.0 has none.
    public static let features: Set<String> = [base]

    public var major: Int
    public var minor: Int
    public var requires: [String]

    /// The format that this program writes: the oldest in which there are the features that it takes to read it.
    public init(requires: [String] = []) {
        major = Self.major
        minor = requires.isEmpty ? 0 : Self.minor
        self.requires = requires
    }

    public var json: JSON {
        [
            "format": "lamina", "major": .integer(Int64(major)), "minor": .integer(Int64(minor)),
            "requires": .array(requires.map(JSON.string)),
        ]
    }

    /// Throws `ArchiveError` (kind `format`) when this program cannot read such an archive.
    func check() throws(ArchiveError) {
        guard major == Self.major else {
            throw ArchiveError(
                .format,
                "the archive has format \(major).\(minor), this program reads \(Self.major).x; "
                    + (major > Self.major ? "install a newer lamina" : "write it anew with this one"),
                at: EntryName.format)
        }
        if let unknown = requires.first(where: { !Self.features.contains($0) }) {
            throw ArchiveError(
                .format,
                "the archive requires the feature \(printable(unknown.utf8)), which this program does not know; "
                    + "install a newer lamina", at: EntryName.format)
        }
    }
}

extension ArchiveFormat: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        let name = try fields.read("format", as: String.self)
        guard name == "lamina" else {
            throw JSONError(.wrongValue, "wanted \"lamina\", got another format", path: fields.path(of: "format"))
        }
        major = try fields.readCount("major")
        minor = try fields.readCount("minor")
        requires = try fields.read("requires")
        // A newer format may say more about itself; its version or `requires` refuse it, with a better message.
        if major == Self.major, minor <= Self.minor { try fields.finish() }
    }
}
