import CLamina
import Crypto
import Glibc
import LaminaFormats
import LaminaHost

extension PluginBundle {
    /// Makes a bundle: copies the libraries and writes a manifest generated from what they say of themselves.
    ///
    /// Libraries for this machine are loaded and have to agree; the manifest is written last, and then libraries that only
    /// the bundle before listed are removed.
    /// - Parameter benchmarks: a folder whose recipes (`.yaml`) `lamina bench` is to find in the bundle.
    public static func build(
        _ libraries: [(target: String, path: String)], benchmarks: String? = nil, at folder: String
    ) throws(LaminaError) -> PluginManifest {
        try sorted {
            guard folder.hasSuffix(suffix) else {
                throw LaminaError(.usage, "a bundle's name ends in \(suffix), got '\(folder)'")
            }
            guard let known = try describe(libraries) else {
                let targets = libraries.map(\.target).joined(separator: ", ")
                throw LaminaError(
                    .plugin,
                    "none of the libraries (\(targets)) runs on this machine (\(Processor.levels.joined(separator: ", "))): "
                        + "a manifest can only be generated from one that does")
            }
            var manifest = known
            let name = manifest.id + suffix
            guard folder == name || folder.hasSuffix("/" + name) else {
                throw LaminaError(
                    .usage, "this is plugin '\(manifest.id)': its bundle is named \(name), got '\(folder)'")
            }
            try makeFolder(folder)
            let old = try? PluginBundle(path: folder).manifest
            for (target, path) in libraries {
                let bytes = try FileMapping(path: path)
                let name = "\(target)/lib\(manifest.id).so"
                try makeFolder("\(folder)/\(target)")
                let copy = try AtomicFile(replacing: "\(folder)/\(name)")
                try copy.write(bytes.bytes)
                try copy.commit()
                manifest.libraries.append(
                    .init(target: target, file: name, size: bytes.bytes.count, sha256: Self.hash(bytes)))
            }
            var recipes: [String] = []
            if let benchmarks {
                recipes = names(in: benchmarks, suffix: ".yaml")
                guard !recipes.isEmpty else {
                    throw LaminaError(.data, "the folder '\(benchmarks)' holds no recipes (.yaml) to time")
                }
                try makeFolder("\(folder)/\(benchmarkFolder)")
                for name in recipes {
                    let copy = try AtomicFile(replacing: "\(folder)/\(benchmarkFolder)/\(name)")
                    let recipe = try FileMapping(path: "\(benchmarks)/\(name)")
                    try withExtendedLifetime(recipe) { try copy.write(recipe.bytes) }
                    try copy.commit()
                }
            }
            let file = try AtomicFile(replacing: "\(folder)/\(PluginManifest.fileName)")
            let text = manifest.json.bytes(.pretty)
            try text.withUnsafeBytes { try file.write($0) }
            try file.commit()
            // What only the bundle before this one listed; a folder that holds other things stays.
            for library in old?.libraries ?? [] where !manifest.libraries.contains(where: { $0.file == library.file }) {
                unlink("\(folder)/\(library.file)")
                if let slash = library.file.lastIndex(of: "/") { rmdir("\(folder)/\(library.file[..<slash])") }
            }
            if old != nil {
                for recipe in names(in: "\(folder)/\(benchmarkFolder)", suffix: ".yaml") where !recipes.contains(recipe)
                {
                    unlink("\(folder)/\(benchmarkFolder)/\(recipe)")
                }
                rmdir("\(folder)/\(benchmarkFolder)")
            }
            return manifest
        }
    }

    /// Compares every library with the size and hash that the manifest gives, and runs none.
    ///
    /// Loading compares the size alone. The hash finds copies that went wrong; it is no protection from somebody who
    /// can write into the bundle, because the manifest lies beside the library.
    /// - Throws: `.verification` with the first library that differs.
    public func verify() throws(LaminaError) {
        for library in manifest.libraries {
            let file = path + "/" + library.file
            let bytes: FileMapping
            do {
                bytes = try FileMapping(path: file)
            } catch {
                throw LaminaError(.verification, "\(error)")
            }
            let hash = Self.hash(bytes)
            guard bytes.bytes.count == library.size, hash == library.sha256 else {
                throw LaminaError(
                    .verification,
                    "\(file) has \(bytes.bytes.count) bytes with SHA-256 \(hash), its \(PluginManifest.fileName) says "
                        + "\(library.size) with \(library.sha256): copy or build the bundle again")
            }
        }
    }

    private static func hash(_ file: FileMapping) -> String {
        hexadecimal(SHA256.hash(data: file.bytes))
    }

    /// The manifest without libraries, from those that run here.
    private static func describe(_ libraries: [(target: String, path: String)]) throws -> PluginManifest? {
        var known: PluginManifest?
        for (target, path) in libraries where Processor.levels.contains(target) {
            let plugin = try LoadedPlugin.load(path: path.hasPrefix("/") ? path : "./" + path)
            let manifest = PluginManifest(
                id: plugin.id, name: plugin.name, version: plugin.version, abiMajor: Int(LAMINA_ABI_MAJOR),
                abiMinor: plugin.abiMinor, license: plugin.license, documentation: plugin.documentation,
                components: plugin.components.map(\.description), libraries: [])
            if let known, known.json != manifest.json {
                throw LaminaError(
                    .plugin,
                    "\(path) says something else of itself than the libraries before it: build all from one source")
            }
            known = known ?? manifest
        }
        return known
    }

    private static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw LaminaError(.data, "cannot make the folder \(path): \(String(cString: strerror(errno)))")
        }
    }
}
