import Glibc
import LaminaFormats

/// An archive with what it is based on: a delta, its base, the base of that, … Together they hold the whole model.
///
/// What several of them hold is that of the first. An archive without a base is a chain of one.
public final class ArchiveChain: Sendable {
    /// The archive itself, then its base, …
    public let archives: [Archive]

    public var archive: Archive { archives[0] }
    public var manifest: Manifest { archive.manifest }
    /// The chain behind the first archive; nil: it has no base.
    public var base: ArchiveChain? { archives.count > 1 ? ArchiveChain(Array(archives.dropFirst())) : nil }

    /// So many deltas of deltas are a mistake, or an attack.
    static let lengthLimit = 16

    private init(_ archives: [Archive]) { self.archives = archives }

    /// Opens the archive at `path` and all that it is based on.
    ///
    /// - Parameters:
    ///   - base: where the base is; nil: where the manifest says, or beside the archive.
    ///   - tolerant: see `Archive.open`; holds for all of them.
    /// - Throws: `ArchiveError`, kind `missing` for a base that is nowhere, `base` for one with other values.
    public static func open(
        _ path: String, base: String? = nil, tolerant: Bool = false
    ) throws(ArchiveError) -> ArchiveChain {
        try open(Archive.open(path, tolerant: tolerant), base: base, tolerant: tolerant)
    }

    /// The same for an archive that is open.
    public static func open(
        _ archive: Archive, base: String? = nil, tolerant: Bool = false
    ) throws(ArchiveError) -> ArchiveChain {
        if let base, archive.manifest.base == nil {
            throw ArchiveError(
                .base, "the archive holds its whole model, it is based on no other: leave out the base \(base)",
                file: archive.path)
        }
        var archives = [archive]
        var given = base
        while let wanted = archives.last!.manifest.base {
            guard archives.count < lengthLimit else {
                throw ArchiveError(
                    .limit, "more than \(lengthLimit) archives are based on each other; make a whole one with repack",
                    file: archive.path)
            }
            archives.append(try find(wanted, of: archives.last!.path, given, tolerant))
            given = nil
        }
        return ArchiveChain(archives)
    }

    private static func find(
        _ wanted: Manifest.Base, of path: String, _ given: String?, _ tolerant: Bool
    ) throws(ArchiveError) -> Archive {
        // A link to a delta is not where the delta lies.
        var real = path
        if let resolved = realpath(path, nil) {
            real = String(cString: resolved)
            free(resolved)
        }
        // Names in messages stay as short as they were given.
        let lies = real.hasSuffix("/" + path) || real == path ? path : real
        let folder = lies.lastIndex(of: "/").map { String(lies[...$0]) } ?? ""
        var places = [folder + wanted.file]
        let beside = folder + (wanted.file.split(separator: "/").last ?? "")
        if !places.contains(beside) { places.append(beside) }
        if let given { places = [given] }
        var failure: ArchiveError?
        for place in places where access(place, F_OK) == 0 {
            do throws(ArchiveError) {
                let archive = try Archive.open(place, tolerant: tolerant)
                let identity = archive.manifest.identity
                guard identity == wanted.sha256 else {
                    throw ArchiveError(
                        .base,
                        "it is not the base of \(path): wanted the values \(wanted.sha256.prefix(16))… of "
                            + "'\(wanted.name)', got \(identity.prefix(16))… of '\(archive.manifest.model.name)'; name "
                            + "the right one with --base", file: place)
                }
                return archive
            } catch {
                // The one beside the delta may fit all the same.
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        throw ArchiveError(
            .missing,
            "the archive holds only what differs from its base '\(wanted.name)', and there is no "
                + "\(places.joined(separator: " and no ")); put it there, or name it with --base", file: path)
    }

    // MARK: Entries

    /// Whether one of them has the entry.
    public func contains(_ name: String) -> Bool { archives.contains { $0.contains(name) } }

    /// The bytes of an entry of the first that has it. Throws when none has.
    public func entry(_ name: String) throws(ArchiveError) -> UnsafeRawBufferPointer {
        try (archives.first { $0.contains(name) } ?? archive).entry(name)
    }

    /// The names of all assets, each once.
    public var assets: [String] {
        var names: [String] = []
        for name in archives.flatMap(\.names) where name.hasPrefix("assets/") && !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// Everything that `Archive.verify` checks, of all of them.
    public func verify() throws(ArchiveError) {
        for archive in archives { try archive.verify() }
    }
}
