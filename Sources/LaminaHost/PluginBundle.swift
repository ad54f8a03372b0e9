import CCPU
import Glibc
import LaminaFormats

/// A folder `<id>.laminaplugin` with its manifest. Reading it runs no foreign code.
public struct PluginBundle: Sendable {
    public static let suffix = ".laminaplugin"

    /// The subfolder with recipes that `lamina bench` times.
    public static let benchmarkFolder = "benchmarks"

    public var path: String
    public var manifest: PluginManifest

    public init(path: String) throws(HostError) {
        self.path = path
        let file = path + "/" + PluginManifest.fileName
        do {
            let mapping = try FileMapping(path: file)
            manifest = try PluginManifest(json: JSON.parse(mapping.bytes))
        } catch {
            throw .incompatiblePlugin("\(file): \(error)")
        }
        // A plugin is looked for by its folder's name, so that no other manifest needs to be read.
        guard path.hasSuffix("/\(manifest.id)\(Self.suffix)") || path == manifest.id + Self.suffix else {
            throw .incompatiblePlugin(
                "\(path) holds plugin '\(manifest.id)': rename the folder to \(manifest.id)\(Self.suffix)")
        }
    }

    /// Loads the best library, or the one for `target`, and checks that it says what the manifest says.
    ///
    /// The SHA-256 is for `verify`: hashing megabytes at every start would buy no safety, because whoever can replace
    /// the library can replace the manifest beside it.
    func load(target: String?, runtime: Runtime) throws(HostError) -> LoadedPlugin {
        if manifest.obstacle != nil, target == nil {
            throw .incompatiblePlugin("plugin '\(manifest.id)' in \(path) cannot run here: \(manifest.obstacle!)")
        }
        let chosen = target == nil ? manifest.bestLibrary : manifest.libraries.first { $0.target == target }
        guard let chosen else {
            throw .incompatiblePlugin(
                "plugin '\(manifest.id)' in \(path) has no library for \(target ?? "this machine"), only for "
                    + manifest.libraries.map(\.target).joined(separator: ", "))
        }
        let file = path + "/" + chosen.file
        var status = stat()
        if stat(file, &status) == 0, Int(status.st_size) != chosen.size {
            throw .incompatiblePlugin(
                "\(file) has \(status.st_size) bytes, its \(PluginManifest.fileName) says \(chosen.size): "
                    + "copy or build the bundle again")
        }
        let plugin = try LoadedPlugin.load(path: file, runtime: runtime)
        guard plugin.id == manifest.id, plugin.version == manifest.version,
            plugin.components.map(\.description) == manifest.components
        else {
            throw .incompatiblePlugin(
                "\(path)/\(chosen.file) is plugin '\(plugin.id)' \(plugin.version) and differs from its "
                    + "\(PluginManifest.fileName) ('\(manifest.id)' \(manifest.version)): build the bundle again")
        }
        return plugin
    }

    /// The folders that are searched, in order: given ones, $LAMINA_PLUGIN_PATH (not in a privileged process), the
    /// installation's, and the executable's own. Never the working directory.
    public static func searchPath(_ given: [String] = []) -> [String] {
        var folders = given
        if lamina_process_is_privileged() == 0, let variable = getenv("LAMINA_PLUGIN_PATH") {
            folders += String(cString: variable).split(separator: ":").map(String.init)
        }
        if let executable = executableFolder {
            folders.append(executable)
            folders.append(executable + "/../lib/lamina/plugins")
        }
        var seen = Set<String>()
        return folders.filter { $0.hasPrefix("/") || given.contains($0) }.filter { seen.insert($0).inserted }
    }

    private static var executableFolder: String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
        guard length > 0 else { return nil }
        let path = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }

    /// Why a folder that was named as one with plugins gives none; nil when it has bundles.
    public static func emptiness(of folder: String) -> String? {
        guard names(in: folder).isEmpty else { return nil }
        guard access(folder, R_OK) == 0 else {
            return "no plugins are read from \(folder): \(String(cString: strerror(errno)))"
        }
        let isBundle = access(folder + "/" + PluginManifest.fileName, F_OK) == 0
        return "no plugins are read from \(folder): it "
            + (isBundle ? "is a bundle, name the folder that it lies in" : "holds no folder NAME\(suffix)")
    }

    /// The bundles of a folder, or its files with another suffix, sorted by name.
    public static func names(in folder: String, suffix: String = suffix) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix) { names.append(name) }
        }
        return names.sorted()
    }
}
