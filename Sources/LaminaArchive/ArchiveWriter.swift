import Crypto
import Glibc
import LaminaFormats

/// Collects entries and writes them as an archive in the canonical form.
///
/// ```swift
/// var writer = ArchiveWriter(manifest: manifest)
/// try writer.add(EntryName.graph, .json(graph))
/// try writer.add(EntryName.weights, .tensors(parameters))
/// try writer.write(to: "model.lamina")
/// ```
/// The order of the calls does not matter: the same manifest and contents give the same bytes.
public struct ArchiveWriter {
    /// The manifest to be written; its `files` are filled in by `write`.
    public var manifest: Manifest
    private var contents: [String: ArchiveContent] = [:]

    public init(manifest: Manifest) { self.manifest = manifest }

    /// Adds an entry.
    /// - Throws: `ArchiveError` (kind `name`) for a name that is not allowed, stands already, or is the writer's.
    public mutating func add(_ name: String, _ content: ArchiveContent) throws(ArchiveError) {
        if let fault = EntryName.fault(Array(name.utf8)) {
            throw ArchiveError(.name, fault, at: "entry \(printable(name.utf8))")
        }
        guard name != EntryName.format, name != EntryName.manifest else {
            throw ArchiveError(.name, "the writer makes this entry itself", at: name)
        }
        guard contents[name] == nil else { throw ArchiveError(.name, "the entry was added already", at: name) }
        contents[name] = content
    }

    /// Adds a recorded case under the next free number. The tensors stay borrowed until the archive is written.
    public mutating func addSelfTest(
        inputs: [Safetensors.Source], outputs: [Safetensors.Source], tolerance: SelfTest.Tolerance, seed: Int64 = 0
    ) throws {
        var number = 0
        while contents["\(SelfTest.folder(number))/case.json"] != nil { number += 1 }
        let folder = SelfTest.folder(number)
        try add("\(folder)/case.json", .json(SelfTestCase(tolerance: tolerance, seed: seed).json))
        try add("\(folder)/inputs.safetensors", .tensors(inputs))
        try add("\(folder)/outputs.safetensors", .tensors(outputs))
    }

    /// Writes the archive at `path`, which is replaced only when the new file is complete and verified.
    ///
    /// The new file is made beside the target, read back and checked by `Archive.verify`, flushed, and renamed; the
    /// folder is flushed last. When anything fails, or the process is killed, the previous archive is as it was.
    /// - Throws: `ArchiveError`; what a stream's reader throws.
    public func write(to path: String) throws {
        try write(to: path) { _ in }
    }

    /// The steps of a save, in their order; a test interrupts after each.
    enum Step: CaseIterable { case created, written, verified, committed }

    func write(to path: String, after: (Step) throws -> Void) throws {
        do {
            let entries = try orderedEntries()
            let file = try AtomicFile(replacing: path)
            try after(.created)
            try ZipOutput.write(entries, to: file.descriptor, path: path)
            try after(.written)
            // A descriptor of its own for the mapping, which closes it. Same file: what is checked is what is renamed.
            let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { throw FileError("examine", path) }
            let mapping: FileMapping
            do {
                mapping = try FileMapping(adopting: copy, path: path)
            } catch {
                close(copy)
                throw error
            }
            try Archive(mapping, path: path, tolerant: false).verify()
            try after(.verified)
            try file.commit()
            try after(.committed)
        } catch let error as ArchiveError {
            throw error.inFile(path)
        } catch let error as FileError {
            throw ArchiveError(error)
        }
    }

    /// All entries in their order, the manifest completed.
    private func orderedEntries() throws -> [(name: String, content: ArchiveContent)] {
        guard contents[EntryName.graph] != nil else {
            throw ArchiveError(.missing, "an archive needs \(EntryName.graph); add it before writing")
        }
        var contents = contents
        contents[EntryName.format] = try .json(
            ArchiveFormat(requires: manifest.base == nil ? [] : [ArchiveFormat.base]).json)
        let names = contents.keys.sorted(by: EntryName.isBefore)
        guard names.count < ZipStructure.entryLimit else {
            throw ArchiveError(.limit, "\(names.count + 1) entries, at most \(ZipStructure.entryLimit) are allowed")
        }
        if let name = EntryName.collision(names) {
            throw ArchiveError(.name, "the entry is also a folder of other entries", at: name)
        }
        var manifest = manifest
        manifest.files = []
        for name in names {
            guard let role = EntryName.role(name) else { continue }
            var hash = SHA256()
            try contents[name]!.forEachPiece { hash.update(bufferPointer: $0) }
            manifest.files.append(
                .init(path: name, role: role, size: contents[name]!.size, sha256: hexadecimal(hash.finalize())))
        }
        let text = manifest.json.bytes(.pretty)
        guard text.count <= Manifest.byteLimit else {
            throw ArchiveError(
                .limit, "the manifest has \(text.count) bytes, at most \(Manifest.byteLimit) are allowed")
        }
        // What a reader would refuse is refused before anything is written.
        do {
            _ = try Manifest(json: manifest.json, at: "")
        } catch {
            throw ArchiveError(.manifest, error.description, at: EntryName.manifest)
        }
        contents[EntryName.manifest] = try .bytes(text)
        return contents.map { (name: $0.key, content: $0.value) }.sorted { EntryName.isBefore($0.name, $1.name) }
    }
}
