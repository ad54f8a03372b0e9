import Glibc
import LaminaFormats
import LaminaSDK

/// The files with one of some endings in a folder with one folder per class; names are sorted by their bytes.
struct ClassFolder {
    struct Entry {
        let path: String
        let label: Int
        let byteCount: Int
    }

    let classes: [String]
    let entries: [Entry]

    /// Lists the folder; files with other endings and hidden ones are passed over. Throws `.file` or `.data`.
    ///
    /// - Parameter content: what the files hold, for messages: "images".
    init(path: String, suffixes: [String], content: String) throws(PluginError) {
        var classes: [String] = []
        var entries: [Entry] = []
        for name in try Self.names(in: path) {
            let folder = path + "/" + name
            guard Self.status(folder)?.kind == S_IFDIR else { continue }
            let before = entries.count
            for file in try Self.names(in: folder) where Self.has(file, suffixes) {
                let filePath = folder + "/" + file
                guard let status = Self.status(filePath) else { throw .file("\(FileError("examine", filePath))") }
                guard status.kind == S_IFREG else { continue }
                entries.append(Entry(path: filePath, label: classes.count, byteCount: status.size))
            }
            guard entries.count > before else {
                throw .data("'\(folder)' holds no \(Self.listed(suffixes)) file; every folder in '\(path)' is a class")
            }
            classes.append(name)
        }
        guard !classes.isEmpty else {
            throw .data("'\(path)' holds no folders; wanted one folder with \(content) per class")
        }
        self.classes = classes
        self.entries = entries
    }

    private static func has(_ name: String, _ suffixes: [String]) -> Bool {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return suffixes.contains(name[name.utf8.index(after: dot)...].lowercased())
    }

    /// ".png, .jpg or .jpeg"
    private static func listed(_ suffixes: [String]) -> String {
        let names = suffixes.map { "." + $0 }
        return names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + names.last!
    }

    private static func names(in folder: String) throws(PluginError) -> [String] {
        guard let stream = opendir(folder) else { throw .file("\(FileError("list", folder))") }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        guard errno == 0 else { throw .file("\(FileError("list", folder))") }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func status(_ path: String) -> (kind: mode_t, size: Int)? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return (status.st_mode & S_IFMT, Int(status.st_size))
    }
}
