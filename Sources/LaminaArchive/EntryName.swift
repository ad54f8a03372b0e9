/// What an entry may be called, and where it stands.
///
/// A name is a relative path of at most `depthLimit` segments and 255 bytes. A segment is made of `a-z 0-9 . _ -` and
/// has more than dots; only `README.md` and `LICENSE`, at the top, have capitals. So no two names can mean the same
/// file on any system, and none can leave the folder into which it is extracted.
public enum EntryName {
    public static let format = "format.json"
    public static let manifest = "manifest.json"
    public static let graph = "graph.json"
    public static let weights = "weights/model.safetensors"
    public static let optimizerState = "state/optimizer.safetensors"
    public static let trainerState = "state/trainer.json"
    /// Networks that the model itself does not need: what it was trained against.
    public static let networkFolder = "networks/"
    public static func networkGraph(_ name: String) -> String { "\(networkFolder)\(name).json" }
    public static func networkWeights(_ name: String) -> String { "\(networkFolder)\(name).safetensors" }
    public static let readme = "README.md"
    public static let licence = "LICENSE"

    static let lengthLimit = 255
    static let depthLimit = 8

    /// The top-level files and folders in their order in an archive, with the role that the manifest gives the entries.
    /// Those without a role are not listed in the manifest: itself, and the signatures over it.
    private static let groups: [(name: String, isFolder: Bool, role: String?)] = [
        (format, false, "format"), (manifest, false, nil), (graph, false, "graph"), ("weights", true, "weights"),
        ("networks", true, "network"), ("state", true, "state"), ("assets", true, "asset"),
        ("selftest", true, "selftest"),
        ("plugins", true, "plugin"),
        (readme, false, "readme"), (licence, false, "licence"), ("signatures", true, nil),
    ]

    /// Why `name` is not allowed, or nil when it is.
    public static func fault(_ name: some Collection<UInt8>) -> String? {
        if name.isEmpty { return "the name is empty" }
        if name.count > lengthLimit { return "the name has \(name.count) bytes, at most \(lengthLimit) are allowed" }
        let segments = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if segments.count > depthLimit {
            return "the name has \(segments.count) levels, at most \(depthLimit) are allowed"
        }
        let text = String(decoding: name, as: UTF8.self)
        if text == readme || text == licence { return nil }
        for segment in segments {
            if segment.isEmpty { return "a level of the name is empty" }
            if segment.allSatisfy({ $0 == UInt8(ascii: ".") }) { return "a level of the name has only dots" }
            for byte in segment {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "-"):
                    continue
                default: return "names have only a-z, 0-9, '.', '_', '-' and '/' (README.md and LICENSE apart)"
                }
            }
        }
        guard rank(text) != nil else {
            let known = groups.map { $0.isFolder ? "\($0.name)/" : $0.name }.joined(separator: ", ")
            return "no such place in the format; known are \(known)"
        }
        return nil
    }

    /// The place of an allowed name in the order of the groups, or nil when it belongs to none.
    static func rank(_ name: String) -> Int? {
        let slash = name.utf8.firstIndex(of: UInt8(ascii: "/"))
        let top = slash.map { name[..<$0] } ?? name[...]
        return groups.firstIndex { $0.name == top && $0.isFolder == (slash != nil) }
    }

    /// The role that the manifest gives an entry, or nil when it does not list it.
    static func role(_ name: String) -> String? { rank(name).flatMap { groups[$0].role } }

    /// The order of entries in an archive: by group, and by bytes within a group.
    static func isBefore(_ left: String, _ right: String) -> Bool {
        guard let leftRank = rank(left), let rightRank = rank(right) else {
            preconditionFailure("a name without a place")
        }
        return leftRank == rightRank ? left.utf8.lexicographicallyPrecedes(right.utf8) : leftRank < rightRank
    }

    /// A name that is also a folder of another (`assets/a` beside `assets/a/b`), which no file system can hold.
    static func collision(_ names: [String]) -> String? {
        var folders: Set<Substring> = []
        for name in names {
            var rest = name[...]
            while let slash = rest.utf8.lastIndex(of: UInt8(ascii: "/")) {
                rest = rest[..<slash]
                if !folders.insert(rest).inserted { break }
            }
        }
        return names.first { folders.contains($0[...]) }
    }
}
