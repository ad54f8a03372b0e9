import Crypto
import LaminaFormats

/// An archive, open for reading: its structure checked, its manifest read, its entries mapped into memory.
///
/// ```swift
/// let archive = try Archive.open("fashion-mnist.lamina")
/// let graph = try archive.json(EntryName.graph)
/// let weights = try archive.tensors(EntryName.weights)
/// ```
/// Opening checks every header, `format.json`, the manifest, that the manifest lists exactly the entries with their
/// sizes, and CRC and SHA-256 of all entries up to `hashedAtOpen` bytes. Larger ones, the weights, are hashed by
/// `verify` only: that takes two seconds per gigabyte, and reads every page of a file of which a prediction may need few. Their
/// headers are checked whenever `tensors` reads them.
public final class Archive: Sendable {
    /// Entries up to this size are hashed when an archive is opened.
    public static let hashedAtOpen = 256 << 10
    /// The most memory that the inflated entries of a tolerated archive may take together.
    public static let inflatedLimit = 256 << 20
    /// The longest `graph.json` or other JSON entry, in bytes; the manifest has its own limit.
    public static let jsonLimit = 64 << 20

    public let path: String
    /// False when the file was zipped again by another program, and opened with `tolerant`.
    public let isCanonical: Bool
    public let format: ArchiveFormat
    public let manifest: Manifest
    /// The names of all entries, in the order of the file.
    public let names: [String]

    let entries: [ZipEntry]
    let mapping: FileMapping
    private let contents: [String: Content]
    private let files: [String: Manifest.File]

    /// The bytes of an entry, in the mapping or in memory of their own.
    private struct Content: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer
        let memory: AlignedBytes?
    }

    /// Opens and checks the archive at `path`.
    ///
    /// With `tolerant`, an archive that another program has zipped again is accepted too (deflated entries, other
    /// order, no alignment): deflated entries are inflated into memory within `inflatedLimit`, others copied where they
    /// are not aligned. Names, hashes and the manifest are checked all the same.
    /// - Throws: `ArchiveError`.
    public static func open(_ path: String, tolerant: Bool = false) throws(ArchiveError) -> Archive {
        do {
            return try Archive(FileMapping(path: path), path: path, tolerant: tolerant)
        } catch let error as ArchiveError {
            throw error.inFile(path)
        } catch let error as FileError {
            throw ArchiveError(error)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    init(_ mapping: FileMapping, path: String, tolerant: Bool) throws {
        self.mapping = mapping
        self.path = path
        (entries, isCanonical) = try Self.structure(mapping.bytes, tolerant: tolerant)
        names = entries.map(\.name)
        contents =
            try isCanonical
            ? Dictionary(uniqueKeysWithValues: entries.map { ($0.name, Self.mapped($0, mapping)) })
            : Self.toleratedContents(entries, mapping)
        for name in [EntryName.format, EntryName.manifest, EntryName.graph] where contents[name] == nil {
            throw ArchiveError(.missing, "the archive has no \(name); it was not written by lamina, or has lost it")
        }
        format = try Self.decode(
            ArchiveFormat.self, contents[EntryName.format]!.bytes, name: EntryName.format, limit: 64 << 10)
        try format.check()
        manifest = try Self.decode(
            Manifest.self, contents[EntryName.manifest]!.bytes, name: EntryName.manifest, limit: Manifest.byteLimit)
        guard (manifest.base != nil) == format.requires.contains(ArchiveFormat.base) else {
            throw ArchiveError(
                .manifest, "the manifest's 'base' and the feature '\(ArchiveFormat.base)' go together, one is missing",
                at: EntryName.manifest)
        }
        files = Dictionary(uniqueKeysWithValues: manifest.files.map { ($0.path, $0) })
        try checkFiles()
        for entry in entries where entry.size <= Self.hashedAtOpen { try checkContent(of: entry) }
    }

    private static func structure(
        _ bytes: UnsafeRawBufferPointer, tolerant: Bool
    ) throws(ArchiveError) -> ([ZipEntry], isCanonical: Bool) {
        do {
            return (try ZipStructure(canonical: bytes).entries, true)
        } catch {
            if error.kind == .notAnArchive { throw error }
            // Read the other way too: the message says whether `--tolerant` would help.
            guard let entries = try? ZipStructure(tolerant: bytes).entries else {
                let advice = error.kind == .structure ? "; the file is damaged or was tampered with, get it again" : ""
                throw ArchiveError(error.kind, error.message + advice, at: error.place)
            }
            if tolerant { return (entries, false) }
            throw ArchiveError(
                error.kind,
                error.message
                    + "; this is a zip file but not in Lamina's form, perhaps packed again: open it with --tolerant",
                at: error.place)
        }
    }

    private static func mapped(_ entry: ZipEntry, _ mapping: FileMapping) -> Content {
        Content(bytes: UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.data]), memory: nil)
    }

    private static func toleratedContents(_ entries: [ZipEntry], _ mapping: FileMapping) throws -> [String: Content] {
        let library = try LibZip(bytes: mapping.bytes)
        try library.check(entries)
        var contents: [String: Content] = [:]
        var budget = inflatedLimit
        for entry in entries {
            guard entry.isDeflated || entry.data.lowerBound % ZipLayout.alignment != 0 else {
                contents[entry.name] = mapped(entry, mapping)
                continue
            }
            let memory: AlignedBytes
            if entry.isDeflated {
                guard entry.size <= budget else {
                    throw ArchiveError(
                        .limit,
                        "the deflated entries take more than \(inflatedLimit >> 20) MiB; "
                            + "unzip the archive and pack it anew",
                        at: entry.name)
                }
                budget -= entry.size
                memory = try library.inflate(entry)
            } else {
                memory = try AlignedBytes(copying: UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.data]))
            }
            contents[entry.name] = Content(bytes: memory.bytes, memory: memory)
        }
        return contents
    }

    // MARK: Entries

    public func contains(_ name: String) -> Bool { contents[name] != nil }

    /// The bytes of an entry, which begin on 64 bytes and live as long as the archive. Throws when it is not there.
    public func entry(_ name: String) throws(ArchiveError) -> UnsafeRawBufferPointer {
        guard let content = contents[name] else {
            throw ArchiveError(.missing, "the archive has no entry \(printable(name.utf8))", file: path)
        }
        return content.bytes
    }

    /// The text of an entry. Throws when it is not there or not UTF-8.
    public func text(_ name: String) throws(ArchiveError) -> String {
        guard let text = String(validating: try entry(name), as: UTF8.self) else {
            throw ArchiveError(.content, "the entry is not UTF-8 text", at: name, file: path)
        }
        return text
    }

    /// A JSON entry, parsed strictly. Throws when it is not there or not JSON.
    public func json(_ name: String) throws(ArchiveError) -> JSON {
        do {
            return try Self.parse(try entry(name), name: name, limit: Self.jsonLimit)
        } catch {
            throw error.inFile(path)
        }
    }

    /// A safetensors entry, checked, with pointers into the archive, which it keeps alive.
    public func tensors(_ name: String) throws(ArchiveError) -> SafetensorsFile {
        let bytes = try entry(name)
        do {
            return try SafetensorsFile(bytes: bytes, owner: self)
        } catch {
            throw ArchiveError(.content, error.message, at: name, file: path)
        }
    }

    /// The recorded cases, by number. Throws when one is incomplete or malformed.
    public func selfTests() throws(ArchiveError) -> [SelfTest] {
        var tests: [SelfTest] = []
        for number in try selfTestNumbers() {
            let folder = SelfTest.folder(number)
            let name = "\(folder)/case.json"
            let json = try json(name)
            let recorded: SelfTestCase
            do {
                recorded = try SelfTestCase(json: json, at: "")
            } catch {
                throw ArchiveError(.manifest, error.description, at: name, file: path)
            }
            tests.append(
                SelfTest(
                    number: number, tolerance: recorded.tolerance, seed: recorded.seed,
                    inputs: try tensors("\(folder)/inputs.safetensors"),
                    outputs: try tensors("\(folder)/outputs.safetensors")))
        }
        return tests
    }

    private func selfTestNumbers() throws(ArchiveError) -> [Int] {
        var numbers: Set<Int> = []
        for name in names where EntryName.role(name) == "selftest" {
            let parts = name.split(separator: "/")
            guard parts.count == 3, let number = Int(parts[1]), number >= 0, String(number) == parts[1],
                ["case.json", "inputs.safetensors", "outputs.safetensors"].contains(parts[2])
            else {
                throw ArchiveError(
                    .name, "self-tests are selftest/<number>/case.json, inputs.safetensors and outputs.safetensors",
                    at: name,
                    file: path)
            }
            numbers.insert(number)
        }
        return numbers.sorted()
    }

    // MARK: Checks

    /// Checks that the manifest lists exactly the entries, with their sizes.
    private func checkFiles() throws(ArchiveError) {
        for entry in entries where EntryName.role(entry.name) != nil {
            guard let file = files[entry.name] else {
                throw ArchiveError(.missing, "the entry is not listed in the manifest", at: entry.name)
            }
            guard file.size == entry.size else {
                throw ArchiveError(
                    .content, "the entry has \(entry.size) bytes, the manifest says \(file.size)", at: entry.name)
            }
        }
        if let file = manifest.files.first(where: { contents[$0.path] == nil }) {
            throw ArchiveError(
                .missing, "the manifest lists the entry, but the archive does not have it", at: file.path)
        }
    }

    /// Checks CRC and SHA-256 of an entry.
    func checkContent(of entry: ZipEntry) throws(ArchiveError) {
        let bytes = contents[entry.name]!.bytes
        let crc = CRC32.checksum(bytes)
        guard crc == entry.crc else {
            throw ArchiveError(
                .content,
                "the CRC is \(String(crc, radix: 16)), the header says \(String(entry.crc, radix: 16)); the file is "
                    + "damaged, get it again", at: entry.name)
        }
        // Not listed are the manifest itself and signatures over it.
        guard let file = files[entry.name] else { return }
        let digest = hexadecimal(SHA256.hash(data: bytes))
        guard digest == file.sha256 else {
            throw ArchiveError(
                .content,
                "the SHA-256 is \(digest), the manifest says \(file.sha256); the entry was changed, get the file again",
                at: entry.name)
        }
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, name: String, limit: Int) throws(ArchiveError) -> JSON {
        do {
            return try JSON.parse(bytes, limits: JSON.Limits(byteCount: limit, valueCount: 4_000_000))
        } catch {
            throw ArchiveError(error.kind == .limit ? .limit : .manifest, error.description, at: name)
        }
    }

    private static func decode<Value: JSONReadable>(
        _: Value.Type, _ bytes: UnsafeRawBufferPointer, name: String, limit: Int
    ) throws(ArchiveError) -> Value {
        let json = try parse(bytes, name: name, limit: limit)
        do {
            return try Value(json: json, at: "")
        } catch {
            throw ArchiveError(.manifest, error.description, at: name)
        }
    }
}
